from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from federated.messages import JoinRequest
from federated.plan import Plan
from federated.signature import signature_of
from federated.states import RunState
from federated.study import Study
from master.coordinator.assignment import slots_of
from master.store import MIGRATIONS, nodes, rounds, runs, studies, tokens, transitions, versions
from master.store.nodes import Site
from master.store.round_tasks import Patience, Piece
from master.store.rounds import Opening
from master.store.tables import RunRow
from serving.database import Database
from tests.databases import NewDatabase
from tests.master.federation import Clock, Federation

NOW = 1_000_000.0


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """The master's tables, once on each kind of database."""
    database = Database(new_database(MIGRATIONS), MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def task(database: Database) -> str:
    """A queued task of round 1 of a running run at the node `clinic-a`."""
    with database.write() as session:
        token = tokens.mint(session, "join", NOW, approve=True)
        request = JoinRequest(join_token=token, name="clinic-a")
        nodes.enrol(session, request, "http://127.0.0.1:9", "n1", NOW)
        study = Study(id="skin", name="Skin", classes=("a", "b"), size=8)
        studies.create(session, study, Plan(), NOW)
        session.flush()
        signature = signature_of({"w": np.zeros(3, np.float32)})
        version = versions.add(session, "skin", Plan(), signature, "0" * 64, NOW)
        studies.set_current(session, "skin", version.id)
        run = runs.create(session, "r1", "skin", Plan(), NOW)
        run.version_id = version.id
        transitions.move_run(session, run, RunState.RUNNING, NOW)
        sites = nodes.sites(session, "skin", NOW, 20)
        open_round(session, run, sites)
    return "r1-1-n1"


def open_round(session: Session, run: RunRow, sites: list[Site]) -> None:
    slots = slots_of(Plan(), None, run.round + 1, sites)
    pieces = tuple(Piece(slot) for slot in slots)
    opening = Opening(pieces, (), able=len(slots), quorum=1, target=len(slots), seconds=3600)
    rounds.open_next(session, run, Plan(), opening, NOW, Patience(300, 60))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def federation(tmp_path: Path, clock: Clock) -> Iterator[Federation]:
    federation = Federation(tmp_path / "state", clock)
    yield federation
    federation.services.database.close()
