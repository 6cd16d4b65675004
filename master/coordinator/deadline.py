"""How long a round waits, from how quick its nodes have been. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from federated.plan import Plan

SHORTEST_SECONDS = 10.0
"""No deadline is shorter: a few pictures train faster than a model travels."""

NEWEST = 0.3
"""Share of the latest update in the moving average of a node's speed."""


def measured_speed(
    before: float | None, examples: int, epochs: int, seconds: float
) -> float | None:
    """Pictures a second that a node trains on, its transfers included.

    Args:
        before: What was known, if anything.
        examples: Pictures of the training part of its latest update.
        epochs: Passes over them.
        seconds: From the lease of the task to the arrival of the update.

    Returns:
        The exponential moving average; what was known where nothing was measured.
    """
    if seconds <= 0 or examples * epochs <= 0:
        return before
    speed = examples * epochs / seconds
    return speed if before is None else (1 - NEWEST) * before + NEWEST * speed


def waiting_seconds(plan: Plan, work: Iterable[tuple[int, float | None]]) -> float:
    """Seconds from a round's opening to its deadline.

    Args:
        plan: The run's plan.
        work: For each node the pictures that it is to train on, and its measured speed in
            pictures a second; None before its first update.

    Returns:
        `deadline_factor` times what the slowest node is expected to take, between 10 s and
        `deadline_seconds`; the latter where a node's speed is not known yet.
    """
    longest, factor, epochs = plan.deadline_seconds, plan.deadline_factor, plan.most_epochs
    if factor is None or epochs == 0:
        return longest
    expected = 0.0
    for examples, speed in work:
        if not speed:
            return longest
        expected = max(expected, examples * epochs / speed)
    return min(longest, max(SHORTEST_SECONDS, factor * expected))
