"""Rewards: the ledger and the leaderboard."""

from __future__ import annotations

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from federated.views import Rewards
from master.api.context import PEOPLE, services
from master.store import leaderboard, ledger, round_credits, runs
from serving.auth import AUTH

blueprint = APIBlueprint("rewards", __name__, url_prefix="/api/v1", tag="Rewards")


@blueprint.get("/runs/<run_id>/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_run_rewards(run_id: str) -> Rewards:
    """Ledger and leaderboard of a run, and how the credits of each of its rounds arose."""
    with services().database.read() as session:
        runs.get(session, run_id)
        return _rewards(session, run_id)


@blueprint.get("/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_rewards() -> Rewards:
    """Ledger and leaderboard of all runs, and how the credits of the newest rounds arose."""
    with services().database.read() as session:
        return _rewards(session)


def _rewards(session: Session, run: str | None = None) -> Rewards:
    return Rewards(
        ledger=ledger.entries(session, run),
        leaderboard=leaderboard.leaderboard(session, services().now(), run),
        rounds=round_credits.views(session, run),
    )
