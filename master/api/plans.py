"""The ready-made plans."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from federated.values import Message
from federated.views import PlanView
from master.api.context import PEOPLE, services
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
