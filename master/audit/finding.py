"""What one check says, and what all of them come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What a finding means for the update.

    `odd` is a sign that an honest site may give as well: two of them reject, one does not.
    `noted` rejects nothing, and has the node watched.
    """

    FITS = "fits"
    NOTED = "noted"
    ODD = "odd"
    WRONG = "wrong"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one update.

    Attributes:
        sentence: For people, with its full stop.
        weight: What it means for the update.
    """

    sentence: str
    weight: Weight = Weight.FITS


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an update counts, why, and what was measured.

    Attributes:
        accepted: Whether it counts.
        reasons: Sentences: what was checked and found.
        measured: Figures on the audit pictures; empty without any.
        unchecked: Those of `reasons` that say what could not be checked.
        telling: Whether a rejection says something of the node: trouble of the master does not.
        noted: Those of `reasons` for which the node is watched although its update counts.
        against: Those of `reasons` that speak against the update.
    """

    accepted: bool
    reasons: tuple[str, ...]
    measured: Mapping[str, float]
    unchecked: tuple[str, ...] = ()
    telling: bool = True
    noted: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why the update does not count: not what was found good as well."""
        return " ".join(self.against or self.reasons)


def verdict_of(findings: Iterable[Finding], measured: Mapping[str, float]) -> Verdict:
    """One finding that is wrong rejects an update, and so do two that are odd."""
    found = tuple(findings)
    odd = sum(finding.weight is Weight.ODD for finding in found)
    wrong = any(finding.weight is Weight.WRONG for finding in found)
    return Verdict(
        accepted=not wrong and odd < 2,
        reasons=tuple(finding.sentence for finding in found),
        measured=measured,
        unchecked=tuple(f.sentence for f in found if f.weight is Weight.UNCHECKED),
        noted=tuple(f.sentence for f in found if f.weight is Weight.NOTED),
        against=tuple(f.sentence for f in found if f.weight in (Weight.ODD, Weight.WRONG)),
    )
