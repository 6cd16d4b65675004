"""The store on every kind of database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from federated.errors import Conflict, NotAuthenticated
from federated.messages import JoinRequest
from federated.plan import Plan
from federated.states import MOVES, NodeState, RoundState, RunState, TaskState
from master.garbage_collection import collect_garbage
from master.store import (
    blob_references,
    events,
    leaderboard,
    lease,
    ledger,
    nodes,
    tasks,
    tokens,
    transitions,
    versions,
)
from master.store.ledger import Credit
from master.store.tables import Base, NodeRow, RoundRow, RunRow, TaskRow, UpdateRow
from serving.blobs import BlobStore
from serving.database import Database
from tests.master.conftest import NOW, open_round


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("before", list(TaskState))
def test_every_move_of_a_task(database: Database, task: str, before: TaskState) -> None:
    for after in TaskState:
        with database.write() as session:
            session.get_one(TaskRow, task).state = str(before)
        if after in MOVES[TaskState][before]:
            _allowed(database, task, after)
        else:
            _refused(database, task, before, after)


def _allowed(database: Database, task: str, after: TaskState) -> None:
    with database.write() as session:
        transitions.move_task(session, session.get_one(TaskRow, task), after, NOW + 5, "because")
    with database.read() as session:
        row = session.get_one(TaskRow, task)
        assert (row.state, row.reason, row.changed_at) == (after, "because", NOW + 5)
        event = events.after(session, 0)[-1]
        assert (event.kind, event.run, event.at) == (f"task_{after}", "r1", NOW + 5)


def _refused(database: Database, task: str, before: TaskState, after: TaskState) -> None:
    with database.read() as session:
        told = len(events.after(session, 0))
    with pytest.raises(Conflict), database.write() as session:
        transitions.move_task(session, session.get_one(TaskRow, task), after, NOW)
    with database.read() as session:
        assert session.get_one(TaskRow, task).state == before
        assert len(events.after(session, 0)) == told


def test_moves_of_runs_rounds_and_nodes_tell_of_themselves(database: Database, task: str) -> None:
    with database.write() as session:
        run, row = session.get_one(RunRow, "r1"), session.get_one(RoundRow, ("r1", 1))
        transitions.move_round(session, row, RoundState.FAILED, NOW + 1, "no updates")
        transitions.move_run(session, run, RunState.FAILED, NOW + 2, "round 1 failed")
        node = session.get_one(NodeRow, "n1")
        transitions.move_node(session, node, NodeState.SUSPENDED, NOW + 3)
    with database.read() as session:
        assert session.get_one(RoundRow, ("r1", 1)).closed_at == NOW + 1
        assert session.get_one(RunRow, "r1").finished_at == NOW + 2
        told = events.after(session, 0)[-3:]
        assert [event.kind for event in told] == ["round_failed", "run_failed", "node_suspended"]
        assert told[0].text == "Round 1 failed: no updates"
        assert [event.data["reason"] for event in told] == ["no updates", "round 1 failed", None]


def test_every_state_has_its_sentence() -> None:
    words = {
        TaskState: transitions.TASK_WORDS,
        RoundState: transitions.ROUND_WORDS,
        RunState: transitions.RUN_WORDS,
        NodeState: transitions.NODE_WORDS,
    }
    for kind, sentences in words.items():
        assert set(sentences) == set(kind)
        # What stands behind a colon is a reason.
        assert not any(": " in sentence for sentence in sentences.values())


def test_a_move_that_somebody_else_made_first_is_a_conflict(database: Database, task: str) -> None:
    with database.read() as reader:
        stale = reader.get_one(TaskRow, task)
        reader.expunge(stale)
    with database.write() as session:
        transitions.move_task(session, session.get_one(TaskRow, task), TaskState.LEASED, NOW)
    with pytest.raises(Conflict, match="Somebody else"), database.write() as session:
        transitions.move_task(session, stale, TaskState.FAILED, NOW)


def test_a_move_and_its_event_are_undone_together(database: Database, task: str) -> None:
    with database.read() as session:
        count = len(events.after(session, 0))

    def move_and_fail() -> None:
        with database.write() as session:
            transitions.move_task(session, session.get_one(TaskRow, task), TaskState.LEASED, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()
    with database.read() as session:
        assert session.get_one(TaskRow, task).state == TaskState.QUEUED
        assert len(events.after(session, 0)) == count


def test_a_join_token_is_used_once(database: Database) -> None:
    with database.write() as session:
        token = tokens.mint(session, "join", NOW)
        row = tokens.usable(session, token, NOW)
        nodes.enrol(session, JoinRequest(join_token=token, name="clinic-a"), None, "n1", NOW)
        with pytest.raises(NotAuthenticated):
            tokens.redeem(session, row, "n1", NOW)


def test_the_ledger_adds_up_and_ties_share_a_rank(database: Database, task: str) -> None:
    credits = [
        Credit("n1", task, 333, "accuracy", "first"),
        Credit("n1", task, 1_000, "accuracy", "second"),
    ]
    with database.write() as session:
        ledger.add(session, "r1", 1, credits, NOW)
    with database.read() as session:
        assert [entry.credits for entry in ledger.entries(session, "r1")] == [0.333, 1.0]
        (place,) = leaderboard.leaderboard(session, NOW, "r1")
        # No round of it has closed: an entry of an older master.
        assert (place.rank, place.credits, place.updates) == (1, 1.333, 0)
        assert place.recent_average == pytest.approx(1.333 * 0.69315 / 7, rel=1e-4)
        assert ledger.entries(session, "another") == []


def test_one_holder_has_the_lease_until_it_ends_or_is_given_back(database: Database) -> None:
    with database.write() as session:
        assert lease.hold(session, "coordinator", "a", NOW, 15)
    with database.write() as session:
        assert not lease.hold(session, "coordinator", "b", NOW + 14, 15)
        assert lease.hold(session, "coordinator", "a", NOW + 14, 15)
    with database.write() as session:
        assert lease.hold(session, "coordinator", "b", NOW + 30, 15)
        lease.release(session, "coordinator", "a")
        assert not lease.hold(session, "coordinator", "a", NOW + 31, 15)


def test_leases_renew_only_for_tasks_that_are_named(database: Database, task: str) -> None:
    with database.write() as session:
        tasks.lease(session, task, NOW, 60)
    with database.write() as session:
        assert tasks.renew(session, "n1", [], NOW + 50, 60) == ()
        assert session.get_one(TaskRow, task).lease_until == NOW + 60
        assert tasks.renew(session, "n1", [task, "strange"], NOW + 50, 60) == ("strange",)
        assert session.get_one(TaskRow, task).lease_until == NOW + 110
        assert tasks.renew(session, "another", [task], NOW + 50, 60) == (task,)


def test_tidying_deletes_what_no_table_names_once_nobody_can_be_writing_it(
    database: Database, task: str, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with database.write() as session:
        first = session.get_one(RoundRow, ("r1", 1))
        version = versions.get(session, first.before_id)
        state, kept = blobs.put(b"a strategy's state"), blobs.put(b"a model")
        versions.add(session, "skin", Plan(), version.signature, kept, NOW, strategy_state=state)
        taken, _ = blobs.put(b"an update"), blobs.put(b"nobody's")
        session.add(UpdateRow(task_id=task, sha256=taken, nbytes=9, document={}, received_at=NOW))
    young, again = blobs.put(b"young"), blobs.put(b"again")
    for sha256 in blobs.names():
        os.utime(blobs.root / sha256, (NOW - 3601, NOW - 3601))
    os.utime(blobs.root / young, (NOW - 3599, NOW - 3599))
    blobs.put(b"again")
    assert collect_garbage(database, blobs, keep_rounds=1, now=NOW).blobs == 1
    assert set(blobs.names()) == {kept, state, taken, young, again}


def test_tidying_deletes_old_updates_and_never_a_global_model(
    database: Database, task: str, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    old, same, new = blobs.put(b"old"), blobs.put(b"same as a model"), blobs.put(b"new")
    with database.write() as session:
        run, first = session.get_one(RunRow, "r1"), session.get_one(RoundRow, ("r1", 1))
        version = versions.get(session, first.before_id)
        versions.add(session, "skin", Plan(), version.signature, same, NOW)
        sites = nodes.sites(session, "skin", NOW, 20)
        first.state = str(RoundState.CLOSED)
        for number, sha256 in ((1, old), (2, same), (3, new)):
            if number > 1:
                open_round(session, run, sites)
                session.get_one(RoundRow, ("r1", number)).state = str(RoundState.CLOSED)
            name = f"r1-{number}-n1"
            session.add(
                UpdateRow(task_id=name, sha256=sha256, nbytes=3, document={}, received_at=NOW)
            )
    assert collect_garbage(database, blobs, keep_rounds=1, now=NOW).blobs == 1
    assert set(blobs.names()) == {same, new}
    with database.read() as session:
        assert blob_references.old_updates(session, keep_rounds=3) == []
