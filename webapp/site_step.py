"""The next sensible thing to do at a site, from what it holds and does."""

from __future__ import annotations

from federated.states import NodeState
from federated.views import ChildStatus
from webapp.next_step import Step
from webapp.texts import text


def site_step(status: ChildStatus, undecided: int = 0) -> Step:
    """What to do next at a site.

    Args:
        status: What it holds and does.
        undecided: Plans on which its people are to decide.
    """
    if status.activity == "training":
        return Step(text("step.site_training"), "taking_part")
    if undecided:
        return Step(text("step.site_decide", count=undecided), "taking_part")
    held = status.studies
    unlabelled = sum(study.unlabelled for study in held)
    labelled = sum(sum(study.counts.values()) for study in held)
    if held and unlabelled:
        return Step(text("step.site_label", count=unlabelled), "pictures")
    standing = _standing(status)
    if standing is not None:
        return standing
    if not labelled:
        return Step(text("step.site_add"), "pictures")
    if any(study.round > 0 and study.weights for study in held):
        return Step(text("step.site_classify"), "classify")
    return Step(text("step.site_wait"), "taking_part")


def _standing(status: ChildStatus) -> Step | None:
    """What stands between the site and taking part."""
    page = "pictures" if status.studies else None
    if status.node_state is None:
        return Step(text("step.site_unknown"), page)
    if status.node_state == NodeState.PENDING:
        return Step(text("step.site_pending"), page)
    if status.node_state == NodeState.SUSPENDED:
        return Step(text("step.site_suspended"), "taking_part")
    if not status.studies:
        return Step(text("step.site_no_study"))
    return None
