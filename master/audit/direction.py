"""Whether an update goes where the round's others go, or against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.robust import medians_of_others, spreads_of_others

FLOOR = 0.05
"""The others' cosines are taken to vary by this much at least."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Where an update goes.

    Attributes:
        cosine: To the median of the others, -1 to 1.
        usual: Median of the others' cosines.
        spread: How much those vary, as a standard deviation.
    """

    cosine: float
    usual: float
    spread: float

    @property
    def deviations(self) -> float:
        """How far below the others' it lies, in their spreads."""
        return (self.usual - self.cosine) / max(self.spread, FLOOR)


def directions(projections: np.ndarray) -> list[Direction]:
    """Where each update of a round goes.

    Args:
        projections: Unit vectors, float (n, k), n at least 3.
    """
    others = medians_of_others(projections)
    lengths = np.linalg.norm(others, axis=1)
    dots = np.einsum("nk,nk->n", projections, others)
    cosines = np.divide(dots, lengths, out=np.zeros(len(dots)), where=lengths > 0)
    usual = medians_of_others(cosines[:, None])[:, 0]
    spreads = spreads_of_others(cosines)
    rows = zip(cosines, usual, spreads, strict=True)
    return [Direction(float(cosine), float(mid), float(spread)) for cosine, mid, spread in rows]


def check_directions(found: Sequence[Direction], policy: AuditPolicy) -> list[Finding]:
    """One finding for each update of a round."""
    return [_finding(one, policy) for one in found]


def _finding(one: Direction, policy: AuditPolicy) -> Finding:
    shown = f"Its direction has a cosine of {one.cosine:.2f} to the others', whose own is"
    shown = f"{shown} {one.usual:.2f}"
    if one.cosine >= policy.odd_cosine:
        return Finding(f"{shown}.")
    far = one.deviations > policy.direction_deviations
    if far and one.cosine < policy.least_cosine:
        return Finding(f"{shown}: it goes against them.", Weight.WRONG)
    return Finding(f"{shown}: it goes against them, as odd pictures may.", Weight.ODD)
