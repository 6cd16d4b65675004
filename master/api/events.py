"""Events: what happened, for people to follow."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import Field

from federated.values import Message
from federated.views import Event
from master.api.context import PEOPLE, services
from master.api.query import number_in_query
from master.store import events, runs
from serving.auth import AUTH

blueprint = APIBlueprint("events", __name__, url_prefix="/api/v1", tag="Events")


class EventList(Message):
    """At most a thousand events, oldest first; ask again behind the last for more.

    Of those ahead of an event, the last hundred.
    """

    events: list[Event] = Field(default_factory=list)


@blueprint.get("/runs/<run_id>/events")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(EventList)
def get_run_events(run_id: str) -> EventList:
    """What happened in a run behind event `?after=k`, or ahead of `?before=k`, in order."""
    before = number_in_query("before")
    with services().database.read() as session:
        runs.get(session, run_id)
        if before is not None:
            return EventList(events=events.before(session, before, run_id))
        return EventList(events=events.after(session, number_in_query("after") or 0, run_id))


@blueprint.get("/events")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(EventList)
def get_events() -> EventList:
    """What happened behind event `?after=k`, in order; `?newest=n`: the last n events."""
    newest = number_in_query("newest")
    with services().database.read() as session:
        if newest is not None:
            return EventList(events=events.newest(session, newest))
        return EventList(events=events.after(session, number_in_query("after") or 0))
