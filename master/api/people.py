"""What people look at besides runs: rewards, events, ready-made plans."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request
from pydantic import Field

from federated.errors import InvalidInput
from federated.values import Message
from federated.views import Event, PlanView, Rewards
from master.api.desk import PEOPLE, desk
from master.ready_made import ready_made
from master.store import events, ledger, runs
from serving.auth import AUTH

blueprint = APIBlueprint("people", __name__, url_prefix="/api/v1", tag="People")


class EventList(Message):
    """At most a thousand events, oldest first; ask again behind the last for more."""

    events: list[Event] = Field(default_factory=list)


class PlanList(Message):
    """Answer of `GET /plans`."""

    plans: list[PlanView] = Field(default_factory=list)


@blueprint.get("/runs/<run_id>/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_run_rewards(run_id: str) -> Rewards:
    """Ledger and leaderboard of a run."""
    with desk().house.database.read() as session:
        runs.get(session, run_id)
        return ledger.rewards(session, run_id)


@blueprint.get("/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_rewards() -> Rewards:
    """Ledger and leaderboard of all runs."""
    with desk().house.database.read() as session:
        return ledger.rewards(session)


@blueprint.get("/runs/<run_id>/events")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(EventList)
def get_run_events(run_id: str) -> EventList:
    """What happened in a run behind event `?after=k`, in order."""
    with desk().house.database.read() as session:
        runs.get(session, run_id)
        return EventList(events=events.after(session, _after(), run_id))


@blueprint.get("/events")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(EventList)
def get_events() -> EventList:
    """What happened behind event `?after=k`, in order."""
    with desk().house.database.read() as session:
        return EventList(events=events.after(session, _after()))


@blueprint.get("/plans")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(PlanList)
def list_plans() -> PlanList:
    """The ready-made plans, the default first."""
    return PlanList(plans=list(ready_made(desk().house.settings.plans).values()))


def _after() -> int:
    text = request.args.get("after", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise InvalidInput("'after' is not a number", expected="0, 1, 2, …", received=text[:20])
    return int(text)
