"""Answers that many ask for, as values that they share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel

from webapp.api.connection import parse

ANSWERS = 48
"""Few: a long course is some 100 kB, and several times that as a value."""

Model = TypeVar("Model", bound=BaseModel)


def parse_once(kind: type[Model], content: bytes | str) -> Model:
    """`parse` for answers that stay the same for a while, such as the master's.

    Nothing of a child goes through here: what it says of a picture is kept no longer than it is
    looked at.

    Args:
        kind: Of the value.
        content: The answer's body.

    Returns:
        The value, which nobody may change: whoever asks for the same gets the same.

    Raises:
        ApiError: It is not what was agreed; the versions probably differ.
    """
    value: Model = _parsed(kind, content)
    return value


@lru_cache(maxsize=ANSWERS)
def _parsed(kind: type[BaseModel], content: bytes | str) -> Any:
    return parse(kind, content)
