"""A lesson in the address of its page: what a teacher shares is all that there is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import ValidationError

from webapp.lesson.settings import ROUNDS, Lesson

SHARED = ("task", "seed")
"""What two federations side by side have in common."""

DEFAULTS = Lesson()


def parameter(name: str, side: str) -> str:
    """The parameter of a setting: `sites` of the first federation, `b_sites` of the second."""
    return name if side == "a" or name in SHARED else f"{side}_{name}"


def lesson_of(query: Mapping[str, str], side: str = "a") -> Lesson:
    """The federation of an address; a value that cannot be is taken as if it were not there.

    Args:
        query: The address's parameters, whoever wrote them.
        side: `a`, or `b` for the second federation.
    """
    found = DEFAULTS
    for name in Lesson.model_fields:
        written = query.get(parameter(name, side))
        if written is None:
            continue
        try:
            found = Lesson.model_validate({**found.model_dump(), name: written})
        except ValidationError:
            continue
    return found


def query_of(lesson: Lesson, side: str = "a") -> dict[str, str]:
    """The parameters of a federation, without those that are as they are anyway."""
    values = lesson.model_dump()
    return {
        parameter(name, side): str(value)
        for name, value in values.items()
        if value != getattr(DEFAULTS, name)
    }


def round_of(query: Mapping[str, str]) -> int:
    """The round of an address, 0 to `ROUNDS`."""
    written = query.get("round", "0")
    if not (written.isascii() and written.isdigit()):
        return 0
    # Python refuses to read thousands of digits.
    digits = written.lstrip("0")
    return min(int(digits or 0), ROUNDS) if len(digits) < 10 else ROUNDS


def fingerprint(*lessons: Lesson) -> str:
    """Eight characters that differ where the settings do."""
    written = "\n".join(lesson.model_dump_json() for lesson in lessons)
    return hashlib.sha256(written.encode()).hexdigest()[:8]
