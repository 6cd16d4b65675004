"""Whether an update changes anything, where its task was to train."""

from __future__ import annotations

from master.audit.finding import Finding, Weight


def check_changed(changed: bool, epochs: int) -> Finding:
    """An update without a change is right only where the task was to train nothing.

    What the update itself says of its steps decides nothing: who sends the weights back that it
    has been given would claim none.

    Args:
        changed: Whether any weight differs from those that the task named.
        epochs: Passes over the pictures that the task asked for.
    """
    if changed:
        return Finding("The weights have changed.")
    if epochs == 0:
        return Finding("No weight has changed, and the task was to train nothing.")
    asked = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    return Finding(f"No weight has changed, although the task was {asked}.", Weight.WRONG)
