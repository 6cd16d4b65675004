"""Rewards: the ledger and the leaderboard."""

from __future__ import annotations

from apiflask import APIBlueprint

from federated.views import Rewards
from master.api.context import PEOPLE, services
from master.store import ledger, runs
from serving.auth import AUTH

blueprint = APIBlueprint("rewards", __name__, url_prefix="/api/v1", tag="Rewards")


@blueprint.get("/runs/<run_id>/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_run_rewards(run_id: str) -> Rewards:
    """Ledger and leaderboard of a run."""
    with services().database.read() as session:
        runs.get(session, run_id)
        return ledger.rewards(session, run_id)


@blueprint.get("/rewards")
@blueprint.auth_required(AUTH, roles=PEOPLE)
@blueprint.output(Rewards)
def get_rewards() -> Rewards:
    """Ledger and leaderboard of all runs."""
    with services().database.read() as session:
        return ledger.rewards(session)
