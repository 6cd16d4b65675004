"""`/participation`: whether the site takes part, and everything that has left it."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from child.api.context import services
from federated.values import Message
from federated.views import Participation
from serving.auth import AUTH

blueprint = APIBlueprint("participation", __name__, tag="Participation")


class DepartureQuery(Message):
    """Which departures to list, newest first."""

    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 200


class ParticipationChange(Message):
    """Whether to stop taking part."""

    paused: bool


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
        departures=child.departures.latest(query.limit, query.offset),
    )
