"""A study: one classification problem."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from federated.errors import InvalidInput
from federated.values import LONGEST_LABEL, Label, Slug, Value, label_key


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
        if len({label_key(name) for name in self.classes}) != len(self.classes):
            raise ValueError("class names must differ by more than case and Unicode form")
        if self.channels == 2:
            raise ValueError("channels must be 1 (grey) or 3 (RGB)")
        return self

    def spelling(self, label: str) -> str | None:
        """The class that `label` means, as the study spells it; None where it has none such.

        Case and Unicode form do not count.
        """
        if len(label) > 4 * LONGEST_LABEL:
            return None
        sought = label_key(label)
        return next((name for name in self.classes if label_key(name) == sought), None)

    def known_label(self, label: str) -> str:
        """The class that `label` means, as the study spells it.

        Raises:
            InvalidInput: The study has no such class.
        """
        name = self.spelling(label)
        if name is None:
            raise InvalidInput(
                "The study has no such label",
                expected=f"one of {list(self.classes)}",
                received=repr(label[:64]),
                code="unknown_label",
            )
        return name

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of one picture as the model sees it."""
        return (self.size, self.size, self.channels)
