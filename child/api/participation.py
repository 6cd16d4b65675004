"""`/participation`: whether the site takes part, and everything that has left it."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask import APIBlueprint
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from child.api.context import services
from federated.values import Message, Value
from federated.views import Participation
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
NOT_BUILT = {"limits", "approve"}
"""What a site will be able to set, and cannot yet."""


class DepartureQuery(Message):
    """Which departures to list, newest first."""

    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 200


class ParticipationChange(Value):
    """Whether to stop taking part; what a site cannot set yet is refused, not passed over."""

    paused: bool

    @model_validator(mode="before")
    @classmethod
    def _check(cls, sent: Any) -> Any:
        asked = sorted(NOT_BUILT & set(sent)) if isinstance(sent, dict) else []
        if asked:
            # A site that believes its limits are kept would be worse off than one without.
            raise PydanticCustomError(
                "not_built",
                "This version cannot keep {asked}; expected 'paused' alone; nothing was changed",
                {"asked": " and ".join(f"'{name}'" for name in asked)},
            )
        return sent


@blueprint.get("/participation")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(DepartureQuery, location="query", arg_name="query")
@blueprint.output(Participation)
def get_participation(query: DepartureQuery) -> Participation:
    """Whether the site takes part, and the latest calls that left it, with bytes and hashes."""
    return _participation(query)


@blueprint.put("/participation")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.input(ParticipationChange, arg_name="change")
@blueprint.output(Participation)
def put_participation(change: ParticipationChange) -> Participation:
    """Pauses, giving up the training under way, or joins again."""
    services().tasks.pause(change.paused)
    return _participation(DepartureQuery())


def _participation(query: DepartureQuery) -> Participation:
    child = services()
    return Participation(
        paused=child.participation.paused(),
        sharing=SHARING,
        departures=child.departures.latest(query.limit, query.offset),
    )
