"""Two servers, or two threads of one, want the same thing at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import Conflict, NotAuthenticated
from federated.messages import JoinRequest
from federated.states import TaskState
from master.store import MIGRATIONS, events, lease, nodes, tokens, transitions
from master.store.tables import NodeRow, TaskRow
from serving.database import Database
from tests.databases import NewDatabase
from tests.master.conftest import NOW


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each of several threads came to, or the refusal that it met."""
    barrier = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def do(number: int, work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[number] = work()
        except (Conflict, NotAuthenticated) as refusal:
            results[number] = refusal

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def servers(new_database: NewDatabase) -> Iterator[tuple[Database, Database]]:
    """One database as two servers have it open."""
    url = new_database(MIGRATIONS)
    servers = Database(url, MIGRATIONS), Database(url, MIGRATIONS)
    yield servers
    for server in servers:
        server.close()


@pytest.fixture
def database(servers: tuple[Database, Database]) -> Database:
    return servers[0]


def test_of_two_that_move_a_task_at_once_exactly_one_wins(
    servers: tuple[Database, Database], task: str
) -> None:
    def move(server: Database, after: TaskState) -> TaskState:
        with server.write() as session:
            transitions.move_task(session, session.get_one(TaskRow, task), after, NOW)
        return after

    ends = (TaskState.FAILED, TaskState.CANCELLED)
    results = at_once(*(lambda pair=pair: move(*pair) for pair in zip(servers, ends, strict=True)))
    (won,) = [result for result in results if isinstance(result, TaskState)]
    assert len([result for result in results if isinstance(result, Conflict)]) == 1
    with servers[0].read() as session:
        assert session.get_one(TaskRow, task).state == won
        told = [event.kind for event in events.after(session, 0) if event.kind[:5] == "task_"]
        assert told == [f"task_{won}"]


def test_of_two_that_read_a_task_before_either_moved_it_one_wins(
    servers: tuple[Database, Database], task: str
) -> None:
    rows = []
    for server in servers:
        with server.read() as session:
            rows.append(session.get_one(TaskRow, task))
            session.expunge(rows[-1])

    def move(server: Database, row: TaskRow) -> bool:
        with server.write() as session:
            transitions.move_task(session, row, TaskState.LEASED, NOW)
        return True

    pairs = zip(servers, rows, strict=True)
    results = at_once(*(lambda pair=pair: move(*pair) for pair in pairs))
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "bool"]


def test_of_two_coordinators_one_holds_the_lease_from_its_first_moment_on(
    servers: tuple[Database, Database],
) -> None:
    def hold(server: Database, name: str) -> bool:
        with server.write() as session:
            return lease.hold(session, "coordinator", name, NOW, 15)

    results = at_once(lambda: hold(servers[0], "a"), lambda: hold(servers[1], "b"))
    assert sorted(results) == [False, True]


def test_a_join_token_lets_one_of_two_in(servers: tuple[Database, Database]) -> None:
    with servers[0].write() as session:
        token = tokens.mint(session, "join", NOW, approve=True)

    def join(server: Database, name: str) -> str:
        request = JoinRequest(join_token=token, name=name)
        with server.write() as session:
            return nodes.enrol(session, request, None, name, NOW).id

    results = at_once(lambda: join(servers[0], "a"), lambda: join(servers[1], "b"))
    assert sorted(type(result).__name__ for result in results) == ["NotAuthenticated", "str"]
    with servers[0].read() as session:
        assert _names(session) == [result for result in results if isinstance(result, str)]


def test_nodes_stand_in_the_order_of_their_bytes(database: Database) -> None:
    names = ("b_1", "b-2", "b10", "b", "b1", "bz", "1b")
    with database.write() as session:
        for name in names:
            token = tokens.mint(session, "join", NOW, approve=True)
            nodes.enrol(session, JoinRequest(join_token=token, name=name), None, name, NOW)
    with database.read() as session:
        assert _names(session) == sorted(names)


def _names(session: Session) -> list[str]:
    names = list(session.scalars(select(NodeRow.name).order_by(NodeRow.name)))
    assert [site.name for site in nodes.sites(session, "skin", NOW, 20)] == names
    return names
