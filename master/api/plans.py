"""The ready-made plans, and the check of a plan before it is run."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from federated.errors import as_sentences
from federated.values import Message
from federated.views import AbleNode, PlanCheck, PlanView
from master.api.context import OPERATOR, PEOPLE, services
from master.api.new_run import NOT_FOUND, NewRun, check_new_run
from master.plans import ready_made_plans
from serving.auth import AUTH

blueprint = APIBlueprint("plans", __name__, url_prefix="/api/v1", tag="Plans")


class PlanList(Message):
    """Answer of `GET /plans`."""

    plans: list[PlanView] = Field(default_factory=list)


@blueprint.get("/plans")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(PlanList)
def list_plans() -> PlanList:
    """The ready-made plans, the default first."""
    return PlanList(plans=list(ready_made_plans(services().settings.plans).values()))


@blueprint.post("/plans/check")
@blueprint.auth_required(AUTH, roles=OPERATOR)
@blueprint.input(NewRun, arg_name="message")
@blueprint.output(PlanCheck)
@blueprint.doc(responses=NOT_FOUND)
def check_plan(message: NewRun) -> PlanCheck:
    """Everything for which a run would be refused, and who could take part; starts nothing."""
    _, _, checked = check_new_run(message)
    return PlanCheck(
        reasons=list(as_sentences(checked.reasons)),
        impossible=bool(checked.impossible),
        nodes=[AbleNode(node=site.id, node_name=site.name) for site in checked.chosen],
        excluded=list(checked.excluded),
    )
