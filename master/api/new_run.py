"""What a run is started with, and the check before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federated.plan import Plan
from federated.study import Study
from federated.values import Message
from master.api.context import services
from master.plan_check import Checked, check
from master.plans import WantedPlan, resolve_plan
from master.store import nodes, pictures, studies

NOT_FOUND: dict[int, str] = {404: "There is no such study or ready-made plan"}

REFUSALS: dict[int, str] = {
    **NOT_FOUND,
    409: "`no_sites`: too few sites can take part now; `reasons` has each site's",
    422: "`impossible_plan`: the plan cannot be carried out; `reasons` has every reason",
}


class NewRun(Message):
    """`POST /runs`; without a `plan`, the study's own is taken."""

    study: Annotated[str, Field(max_length=64)]
    plan: WantedPlan | None = None


def check_new_run(message: NewRun) -> tuple[Study, Plan, Checked]:
    """The study and the plan that are meant, and what is to be said against them.

    Raises:
        NotFound: There is no such study, or no ready-made plan of that name.
    """
    master = services()
    with master.database.read() as session:
        row = studies.get(session, message.study)
        study, own = studies.study_of(row), Plan.model_validate(row.plan)
        sites = nodes.sites(session, study.id, master.now(), master.settings.reachable_seconds)
        audited = bool(pictures.labelled_rows(session, study.id, "audit", study.classes).rows)
    plan = own if message.plan is None else resolve_plan(master.settings.plans, message.plan)
    # The batches may lie far away: nothing is held while their index is read.
    weights = master.settings.pretrained_folder
    return study, plan, check(plan, study, sites, pretrained=weights, has_audit=audited)
