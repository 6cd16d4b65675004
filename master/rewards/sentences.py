"""How a credit arose, as a sentence. Pure."""

from __future__ import annotations

from master.rewards.coalition import Merits


def reason(policy: str, found: Merits, place: int, pool: int) -> str:
    """The policy's rule applied to one update of a round.

    Args:
        policy: The plan's.
        found: What it found.
        place: The update's.
        pool: Credits of the round.
    """
    merits = found.merits
    of_all = f"of {_points(sum(merits))} in all; pool {pool}"
    compared, brought = found.compared[place], _points(merits[place])
    match policy:
        case "accuracy":
            right = f"accuracy {merits[place]:.1%} on the audit pictures"
            return f"{right}, of {sum(merits):.1%} in all; pool {pool}"
        case "improvement":
            right = f"accuracy {compared:.1%} on the audit pictures"
            start = f"{found.before:.1%} that the round started from"
            return f"{right}, {brought} above the {start}, {of_all}"
        case "leave_one_out":
            loss = f"{compared:.1%} on the audit pictures instead of {found.after:.1%}"
            return f"without this update the round's model has accuracy {loss}: {brought}, {of_all}"
    orders = "1 order" if found.orders == 1 else f"{found.orders} orders"
    gain = f"adds {brought} of accuracy on the audit pictures in the mean"
    return f"{gain} over {orders} of the updates, {of_all}"


def _points(share: float) -> str:
    """A difference of accuracies in hundredths, as percentages are told."""
    return f"{100 * share:.1f} points"
