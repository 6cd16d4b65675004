"""Whether an update goes where the round's others go, or against them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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


def check_directions(
    found: Sequence[Direction],
    mixes: Sequence[float],
    harmless: Sequence[bool],
    policy: AuditPolicy,
) -> list[Finding]:
    """One finding for each update of a round.

    Args:
        found: Where each goes.
        mixes: How far the shares of its site's classes are from those of all sites, 0 to 1.
        harmless: Whether it is known to do its site's own classes no harm: then it may go its
            own way, and that is odd at most.
        policy: `odd_cosine`, `least_cosine`, `direction_deviations` and `mix_distance`.
    """
    rows = zip(found, mixes, harmless, strict=True)
    return [_finding(one, mix, is_harmless, policy) for one, mix, is_harmless in rows]


def mix_distances(counts: Sequence[Mapping[str, int]]) -> list[float]:
    """How unlike all sites' classes together those of each site are, or of most others are.

    Where most sites have one class or two, a site with all of them is the odd one. Every site
    counts the same among all, or one that announces more pictures than all others would make
    all of them odd.

    Args:
        counts: Pictures by class of each site; a site of which nothing is known is like all.

    Returns:
        Total variation to the mean of all sites' shares, 0 to 1: the site's own, or the median of
        the others', whichever is larger.
    """
    shares = [_shares(one) for one in counts]
    total: Counter[str] = Counter()
    for one in shares:
        total.update(one)
    pooled = _shares(total)
    own = np.array([_variation(one, pooled) if one else 0.0 for one in shares])
    return [float(one) for one in np.maximum(own, medians_of_others(own[:, None])[:, 0])]


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    whole = sum(counts.values())
    return {name: count / whole for name, count in counts.items()} if whole else {}


def _variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(abs(one.get(name, 0.0) - share) for name, share in other.items()) / 2


def _finding(one: Direction, mix: float, is_harmless: bool, policy: AuditPolicy) -> Finding:
    shown = f"The cosine of its direction to the others' is {one.cosine:.2f}, usual is"
    shown = f"{shown} {one.usual:.2f}"
    far = one.deviations > policy.direction_deviations
    if one.cosine >= policy.odd_cosine or not far:
        return Finding(f"{shown}.")
    if mix > policy.mix_distance:
        why = "its classes are so unlike the others' that this says nothing"
        return Finding(f"{shown}: {why}.", Weight.UNCHECKED)
    against = f"{shown}: it goes against them"
    if one.cosine >= policy.least_cosine:
        return Finding(f"{against}.", Weight.ODD)
    if is_harmless:
        sentence = f"{shown}: it goes against them, and does its own classes no harm."
        return Finding(sentence, Weight.ODD)
    return Finding(f"{against}.", Weight.WRONG)
