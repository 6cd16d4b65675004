"""Merit by absence: what the round's model loses without an update. Pure.

References:
    R. D. Cook, "Detection of Influential Observation in Linear Regression", Technometrics 19,
    1977: the influence of a piece of data is what changes when it is left out. Two updates
    that say the same both come to nothing here; that is what Shapley's value mends.
"""

from __future__ import annotations

from master.rewards.coalition import OUT_OF_TIME, Asking, Merits, together


def leave_one_out(count: int) -> Asking:
    """The contribution of update i is V(all) − V(all but i).

    V is the accuracy of what the plan's strategy makes of a coalition.

    Args:
        count: Updates of the round.
    """
    every = range(count)
    without = [together(set(every) - {place}) for place in every]
    found = yield (together(()), together(every), *without)
    if found is None:
        return Merits(why_none=OUT_OF_TIME)
    before, after, *lacking = found
    return Merits(
        contributions=tuple(after - accuracy for accuracy in lacking),
        compared=tuple(lacking),
        before=before,
        after=after,
    )
