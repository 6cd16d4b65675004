"""`/participation`: whether and how the site takes part, and everything that has left it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from apiflask import APIBlueprint
from pydantic import Field, model_validator

from child.api.context import services
from child.services import Services
from child.store.plans import MetPlan
from federated.values import Message, Sha256, Value
from federated.views import Approval, Limits, Participation, ProposedPlan
from serving.auth import AUTH

blueprint = APIBlueprint("participation", __name__, tag="Participation")

SHARING = (
    "The weights that this site sends go to the master. Where a plan measures models across "
    "sites (cross_site), the master sends the weights of this site's last update of the run, "
    "without its name, to the other sites of the study, and this site tells the master how well "
    "their models do on its validation pictures: figures only, which the list of departures shows. "
    "Figures of many models over the same pictures tell something about those pictures. So this "
    "site measures models only for a run that it has trained in, once, and rounds what it tells."
)
SHOWN_PLANS = 20
SHOWN_ROUNDS = 200


class DepartureQuery(Message):
    """Which departures to list, newest first; `routine` are those of every few seconds."""

    routine: bool = True
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 200


class PlanDecision(Value):
    """What the site's people make of a plan, named by its SHA-256."""

    plan: Sha256
    decision: Literal["approved", "declined"]


class ParticipationChange(Value):
    """What to change; what is left out stays as it is, and `limits` are replaced as a whole."""

    paused: bool | None = None
    approval: Approval | None = None
    approve: PlanDecision | None = None
    limits: Limits | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change; expected paused, approval, approve or limits")
        return self


@blueprint.get("/participation")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(DepartureQuery, location="query", arg_name="query")
@blueprint.output(Participation)
def get_participation(query: DepartureQuery) -> Participation:
    """Whether and how the site takes part, and the latest calls that left it."""
    return _participation(query)


@blueprint.put("/participation")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(ParticipationChange, arg_name="change")
@blueprint.output(Participation)
def put_participation(change: ParticipationChange) -> Participation:
    """Pauses or joins again, decides on a plan, asks about plans or not, sets limits.

    Training under way that is no longer wanted is given up.
    """
    tasks = services().tasks
    # First, because it alone can fail, and then nothing is changed.
    if change.approve is not None:
        tasks.decide(change.approve.plan, change.approve.decision)
    if change.approval is not None:
        tasks.approve_by(change.approval)
    if change.limits is not None:
        tasks.limit(change.limits)
    if change.paused is not None:
        tasks.pause(change.paused)
    return _participation(DepartureQuery())


def _participation(query: DepartureQuery) -> Participation:
    child = services()
    admission = child.tasks.admission
    return Participation(
        paused=child.participation.paused(),
        sharing=SHARING,
        departures=child.departures.latest(query.limit, query.offset, routine=query.routine),
        approval=child.participation.approval(),
        limits=child.participation.limits(),
        open=admission.open(),
        plans=[_proposed(met, child) for met in admission.plans.latest(SHOWN_PLANS)],
        rounds=child.round_figures.latest(SHOWN_ROUNDS),
        credits=child.participation.credits(),
    )


def _proposed(met: MetPlan, child: Services) -> ProposedPlan:
    own = met.plan.data.kind == "own"
    return ProposedPlan(
        sha256=met.sha256,
        study=met.study,
        run=met.run,
        plan=met.plan,
        nbytes=met.nbytes,
        pictures=sum(child.pictures.tally(met.study).counts.values()) if own else None,
        decision=met.decision,
        seen_at=met.seen_at,
    )
