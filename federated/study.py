"""A study: one classification problem."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from federated.values import Label, Slug, Value


class Study(Value):
    """What a picture of this study looks like, and which answers there are.

    Attributes:
        id: The study's name in addresses and folders.
        name: The study's name for people.
        classes: The class names; a class's index is its place in this tuple.
        size: Height and width in pixels to which every picture is brought.
        channels: 1 (grey) or 3 (RGB).
    """

    id: Slug
    name: Annotated[str, Field(min_length=1, max_length=120)]
    classes: Annotated[tuple[Label, ...], Field(min_length=2, max_length=1000)]
    size: Annotated[int, Field(ge=8, le=1024)] = 96
    channels: Annotated[int, Field(ge=1, le=3)] = 3

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({name.casefold() for name in self.classes}) != len(self.classes):
            raise ValueError("class names must differ by more than upper and lower case")
        if self.channels == 2:
            raise ValueError("channels must be 1 (grey) or 3 (RGB)")
        return self

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of one picture as the model sees it."""
        return (self.size, self.size, self.channels)
