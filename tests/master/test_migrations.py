"""A database of an older version is brought up to date with everything that is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from federated.search import Hyperparameters, TrialState
from master.search.trials import Trial
from master.store import MIGRATIONS, trials
from master.store.tables import AuditRow, Base, NodeRow, RoundRow, RunRow, TaskRow, UpdateRow
from serving.database import Database, sqlite_url

OLD = """
INSERT INTO nodes (id, name, state, version, activity, joined_at) VALUES
  ('n1', 'clinic-a', 'active', '1', 'idle', 1), ('n2', 'clinic-b', 'active', '1', 'idle', 2);
INSERT INTO studies (id, document, plan, created_at) VALUES ('skin', '{}', '{}', 1);
INSERT INTO holdings (node_id, study_id, counts, new_labelled, offered, reported_at) VALUES
  ('n1', 'skin', '{"benign": 3}', 0, 0, 4);
INSERT INTO signatures (sha256, document) VALUES ('s', '{}');
INSERT INTO versions (id, study_id, round, plan, weights, signature, parameters, nbytes, created_at)
  VALUES (7, 'skin', 0, '{}', 'w0', 's', 3, 12, 1), (8, 'skin', 1, '{}', 'w1', 's', 3, 12, 2);
INSERT INTO runs (id, study_id, plan, plan_sha256, state, round, version_id, created_at)
  VALUES ('r', 'skin', '{"quorum": 2}', 'p', 'running', 2, 8, 3);
INSERT INTO rounds (run_id, number, state, opened_at, deadline_at, before_id, after_id, excluded)
  VALUES ('r', 1, 'closed', 4, 99, 7, 8, '[]'), ('r', 2, 'open', 5, 99, 8, NULL, '[]');
INSERT INTO tasks (id, run_id, round, node_id, kind, attempt, base_round, weights, seed, announced,
  state, lease_until, created_at, changed_at) VALUES
  ('t1', 'r', 1, 'n1', 'train', 1, 0, 'w0', 1, 20, 'accepted', 64, 4, 5),
  ('t2', 'r', 1, 'n2', 'train', 1, 0, 'w0', 2, 20, 'expired', 64, 4, 5),
  ('t3', 'r', 2, 'n1', 'train', 1, 1, 'w1', 3, 20, 'accepted', 65, 5, 6);
INSERT INTO updates (task_id, sha256, nbytes, document, received_at, late) VALUES
  ('t1', 'u1', 9, '{}', 5, false);
INSERT INTO audits (task_id, verdict, reasons, measured, at) VALUES
  ('t1', 'accepted', '[]', '{"accuracy": 0.75}', 5);
INSERT INTO evaluations (version_id, run_id, part, state, report, at) VALUES
  (7, 'r', 'audit', 'done', '{"accuracy": 0.5}', 4);
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the first version with something in it, on each kind of database."""
    server = None
    if request.param == "sqlite":
        url = sqlite_url(tmp_path / "old.sqlite")
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.empty()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        at_version(connection, "0001")
        for statement in OLD.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    yield url
    if server is not None:
        server.drop(url)


def at_version(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def test_rounds_and_tasks_of_the_first_version_keep_their_meaning(old: str) -> None:
    database = Database(old, MIGRATIONS)
    with database.read() as session:
        rounds = {row.number: row for row in session.scalars(sa.select(RoundRow))}
        assert [(rounds[n].quorum, rounds[n].target) for n in (1, 2)] == [(2, 2), (2, 1)]
        assert not rounds[1].extended
        tasks = {row.id: row for row in session.scalars(sa.select(TaskRow))}
        assert [tasks[name].base_id for name in ("t1", "t2", "t3")] == [7, 7, 8]
        assert [tasks[name].slot for name in ("t1", "t2")] == ["node/n1", "node/n2"]
        # What the open round of an upgraded master counts, it decides when it averages.
        assert [tasks[name].counted_in for name in ("t1", "t2", "t3")] == [1, None, None]
        assert tasks["t1"].lost_at is None
        assert session.get_one(NodeRow, "n1").examples_per_second is None
        # Every run of an older master has moved its study's model on.
        assert session.get_one(RunRow, "r").publish is True
        # Whatever was measured was looked at closely, and nobody searched.
        (audit,) = session.scalars(sa.select(AuditRow))
        assert (audit.close, audit.unchecked) == (True, [])
        assert trials.of_run(session, "r") == []
        # Who waits for a verdict is judged by what its node has announced last.
        (update,) = session.scalars(sa.select(UpdateRow))
        assert update.counts == {"benign": 3}
    with database.write() as session:
        session.get_one(RoundRow, ("r", 2)).extended = True
        session.execute(text("DELETE FROM updates"))
        session.get_one(TaskRow, "t1").hyperparameters = {"learning_rate": 0.01}
        session.get_one(TaskRow, "t2").hyperparameters = {"learning_rate": 0.1}
        session.get_one(TaskRow, "t3").hyperparameters = {"learning_rate": 0.2}
        assert set(Base.metadata.tables) <= set(sa.inspect(session.connection()).get_table_names())
    with database.read() as session:
        # Both of the first round began from a model whose accuracy had been measured.
        assert trials.of_run(session, "r") == [
            Trial(1, Hyperparameters(learning_rate=0.01), TrialState.COMPLETE, 0.75, start=0.5),
            Trial(1, Hyperparameters(learning_rate=0.1), TrialState.FAILED),
            Trial(2, Hyperparameters(learning_rate=0.2), TrialState.FAILED),
        ]
    database.close()
