"""Whether an update changes anything, where it claims to have trained."""

from __future__ import annotations

from federated.wire import UpdateDocument
from master.audit.finding import Finding, Weight


def check_changed(document: UpdateDocument, changed: bool) -> Finding:
    """An update without a change is right only where no step is claimed."""
    if changed:
        return Finding("The weights have changed.")
    if document.num_steps == 0:
        return Finding("No weight has changed, and no step is claimed.")
    claim = f"{document.num_steps} training steps are claimed"
    return Finding(f"No weight has changed, although {claim}.", Weight.WRONG)
