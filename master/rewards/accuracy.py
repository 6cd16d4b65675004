"""Merit by accuracy: how often an update's own weights are right. Pure."""

from __future__ import annotations

from master.rewards.coalition import OUT_OF_TIME, Asking, Merits, own


def accuracy(count: int) -> Asking:
    """The contribution of update i is the accuracy of its own weights.

    Args:
        count: Updates of the round.
    """
    found = yield tuple(own(place) for place in range(count))
    if found is None:
        return Merits(why_none=OUT_OF_TIME)
    return Merits(contributions=found, compared=found)
