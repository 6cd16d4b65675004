"""Merit by improvement: what an update's own weights gain over the round's start. Pure."""

from __future__ import annotations

from master.rewards.coalition import OUT_OF_TIME, Asking, Merits, own, together


def improvement(count: int) -> Asking:
    """The contribution of update i is the accuracy of its own weights less that at the start.

    Args:
        count: Updates of the round.
    """
    found = yield (together(()), *(own(place) for place in range(count)))
    if found is None:
        return Merits(why_none=OUT_OF_TIME)
    before, *alone = found
    return Merits(
        contributions=tuple(accuracy - before for accuracy in alone),
        compared=tuple(alone),
        before=before,
    )
