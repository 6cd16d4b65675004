"""The same work done twice: one batch, one seed, two nodes, and their answers side by side.

Computers round differently, so equal work gives nearly equal weights and not the same.
"""

from __future__ import annotations

from enum import StrEnum

from federated.plan import AuditPolicy
from master.audit.sketch import Sketch, distance


class Agreement(StrEnum):
    """What two or three answers to the same work say of the first two."""

    BOTH = "both"
    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


def agree(one: Sketch, other: Sketch, policy: AuditPolicy) -> bool:
    """Whether two answers are the same work, within the plan's tolerance."""
    return one.digest == other.digest or distance(one, other) <= policy.replica_distance


def decide(
    first: Sketch, second: Sketch, third: Sketch | None, policy: AuditPolicy
) -> Agreement | None:
    """Which of two answers hold, after a third opinion where they differ.

    Returns:
        None where they differ and there is no third opinion yet.
    """
    if agree(first, second, policy):
        return Agreement.BOTH
    if third is None:
        return None
    if agree(first, third, policy):
        return Agreement.FIRST
    return Agreement.SECOND if agree(second, third, policy) else Agreement.NEITHER
