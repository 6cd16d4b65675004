"""Classes as data sets write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from federated.values import Label

_LABEL: TypeAdapter[str] = TypeAdapter(Label)

NO_LABEL = "has no label"
NO_SINGLE_CLASS = "is not of exactly one class"

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
    "audit": "audit",
}
"""Words for the parts of a data set, and what we call them."""


def as_label(text: str) -> str | None:
    """A class's name in its composed form; `None` where it cannot be one."""
    try:
        return _LABEL.validate_python(text.strip())
    except ValidationError:
        return None


def part_of(text: str) -> str:
    """The part that a word names; empty where it names none."""
    return PARTS.get(text.strip().lower(), "")


def one_of(marks: Sequence[Any]) -> int | None:
    """Which place of a row of zeros has the one 1; `None` where the row is not like that."""
    places = [place for place, mark in enumerate(marks) if mark == 1]
    only = len(places) == 1 and all(mark in (0, 1) for mark in marks)
    return places[0] if only else None
