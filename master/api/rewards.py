"""Rewards: the ledger and the leaderboard."""

from __future__ import annotations

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from federated.views import Rewards
from master.api.context import PEOPLE, services
from master.api.query import number_in_query
from master.store import leaderboard, ledger, round_credits, runs
from serving.auth import AUTH

DRAWN = 8
"""Nodes whose credits are told over time: those that have most."""

blueprint = APIBlueprint("rewards", __name__, url_prefix="/api/v1", tag="Rewards")


@blueprint.get("/runs/<run_id>/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_run_rewards(run_id: str) -> Rewards:
    """Ledger and leaderboard of a run, and how the credits of its rounds, or `?round=n`, arose."""
    with services().database.read() as session:
        runs.get(session, run_id)
        return _rewards(session, run_id)


@blueprint.get("/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_rewards() -> Rewards:
    """Ledger and leaderboard of all runs, and how the credits of the newest rounds arose.

    With `?entries=n` the ledger is its last n entries alone; `entries` says how many it has.
    """
    with services().database.read() as session:
        return _rewards(session)


def _rewards(session: Session, run: str | None = None) -> Rewards:
    board = leaderboard.leaderboard(session, services().now(), run)
    first = {place.node: place.node_name for place in board[:DRAWN]}
    return Rewards(
        ledger=ledger.entries(session, run, newest=number_in_query("entries")),
        leaderboard=board,
        rounds=round_credits.views(session, run, number_in_query("round")),
        trend=ledger.trend(session, first, run),
        entries=ledger.count(session, run),
    )
