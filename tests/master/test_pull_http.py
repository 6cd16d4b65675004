"""Polls and downloads over real connections to a real server."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from federated.wire import encode_weights
from master.store import studies, versions
from serving.server import Server
from tests.master.federation import ChildInTest, Clock, Federation

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}
LONG = 60


class Online:
    """A federation whose master is served."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.federation = Federation(state, clock, max_polls=2)
        polls = self.federation.services.polls
        self.server = Server(self.federation.app, "127.0.0.1", 0, polls=polls.most)
        self._thread = self.server.start()
        self._callers = ThreadPoolExecutor(8)

    def get(self, path: str, token: str, **headers: str) -> requests.Response:
        headers["Authorization"] = f"Bearer {token}"
        return requests.get(f"{self.server.address}/api/v1{path}", headers=headers, timeout=LONG)

    def poll(self, child: ChildInTest, wait: int = LONG) -> Future[requests.Response]:
        """A poll; returns once it waits."""
        answer = self._callers.submit(self.get, f"/tasks/next?wait={wait}", child.token)
        until(lambda: child.id in self.federation.services.polls.waiting or answer.done())
        return answer

    def close(self) -> None:
        self.federation.services.polls.close()
        self.server.close()
        self._thread.join(LONG)
        self._callers.shutdown()
        self.federation.services.database.close()
        assert not self._thread.is_alive()


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


@pytest.fixture
def online(tmp_path: Path, clock: Clock) -> Iterator[Online]:
    online = Online(tmp_path / "state", clock)
    yield online
    online.close()


def test_a_poll_that_waits_is_answered_when_there_is_a_task(online: Online) -> None:
    federation = online.federation
    federation.study()
    a, b = federation.site("clinic-a", pull=True), federation.site("clinic-b", labelled=2)
    for_a, for_b = online.poll(a), online.poll(b)
    run = federation.run(**PLAN)
    assert for_a.result(LONG).json()["run"] == run
    assert not for_b.done()
    # Nothing is lost with the answer: the task waits until its node says that it has it.
    assert online.poll(a).result(LONG).json() == for_a.result().json()
    federation.report(a, for_a.result().json()["id"], epoch=0)
    assert online.poll(a, wait=0).result(LONG).status_code == 204


def test_a_second_poll_of_a_node_ends_the_first(online: Online) -> None:
    a = online.federation.join("clinic-a", pull=True)
    first = online.poll(a)
    second = online.poll(a)
    answer = first.result(LONG)
    assert (answer.status_code, answer.headers["Retry-After"]) == (204, "5")
    assert not second.done()


def test_polls_that_find_no_place_are_answered_at_once(online: Online) -> None:
    federation = online.federation
    federation.study()
    children = [federation.site(f"clinic-{letter}", pull=True) for letter in "abc"]
    waiting = [online.poll(child) for child in children[:2]]
    answer = online.poll(children[2]).result(LONG)
    assert (answer.status_code, answer.headers["Retry-After"]) == (204, "5")
    federation.run(**PLAN)
    # Work is kept from nobody for want of a place.
    assert online.poll(children[2]).result(LONG).status_code == 200
    assert [answer.result(LONG).status_code for answer in waiting] == [200, 200]


def test_a_node_that_hangs_up_is_not_waited_for(online: Online) -> None:
    federation = online.federation
    a = federation.join("clinic-a", pull=True)
    polls, presence = federation.services.polls, federation.services.presence
    with socket.create_connection(("127.0.0.1", online.server.port)) as connection:
        head = f"GET /api/v1/tasks/next?wait=60 HTTP/1.1\r\nAuthorization: Bearer {a.token}\r\n\r\n"
        connection.sendall(head.encode())
        until(lambda: a.id in polls.waiting)
        presence.write()
        assert a.id in polls.waiting
    until(lambda: presence.write() or a.id not in polls.waiting)


def test_a_node_is_approved_while_it_waits(online: Online) -> None:
    federation = online.federation
    federation.study()
    a = federation.join("clinic-a", approve=False, pull=True)
    answer = online.poll(a)
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "active"})
    federation.beat(a)
    federation.settle()
    assert not answer.done()
    run = federation.run(**PLAN)
    assert answer.result(LONG).json()["run"] == run


def test_a_suspended_node_waits_in_vain_until_it_may_work_again(online: Online) -> None:
    federation = online.federation
    federation.study()
    a, b = federation.site("clinic-a", pull=True), federation.site("clinic-b")
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "suspended"})
    answer = online.poll(a)
    federation.run(**PLAN)
    federation.services.presence.write()
    federation.settle()
    assert not answer.done()
    assert len(b.tasks) == 1


def test_when_the_master_stops_polls_end_and_the_next_master_knows_the_task(
    tmp_path: Path, clock: Clock
) -> None:
    before = Online(tmp_path / "state", clock)
    before.federation.study()
    a = before.federation.site("clinic-a", pull=True)
    run = before.federation.run(**PLAN)
    assert before.poll(a).result(LONG).json()["run"] == run
    b = before.federation.join("clinic-b", pull=True)
    waiting = before.poll(b)
    before.close()
    assert waiting.result(LONG).status_code == 204
    clock.tick(40)
    after = Online(tmp_path / "state", clock)
    try:
        assert after.poll(a).result(LONG).json()["run"] == run
        assert not after.poll(b).done()
        after.federation.services.presence.write()
        views = after.federation.get("/nodes")["nodes"]
        assert [view["reachable"] for view in views] == [True, True]
    finally:
        after.close()


@pytest.fixture
def large(online: Online) -> str:
    """The hash of a global model above what a server keeps of an answer in memory."""
    federation = online.federation
    federation.study()
    blob = encode_weights({"w": np.arange(6_000_000, dtype=np.float32)})
    sha256 = federation.services.blobs.put(blob)
    with federation.services.database.write() as session:
        initial = versions.get(session, 1)
        row = versions.add(session, "skin", initial.plan, initial.signature, sha256, 1.0)
        studies.set_current(session, "skin", row.id)
    return sha256


def test_a_broken_download_goes_on_where_it_broke(online: Online, large: str) -> None:
    a = online.federation.join("clinic-a", pull=True)
    path = f"/weights/{large}"
    begun = requests.get(
        f"{online.server.address}/api/v1{path}",
        headers={"Authorization": f"Bearer {a.token}"},
        stream=True,
        timeout=LONG,
    )
    got = begun.raw.read(1_000_003)
    etag, length = begun.headers["ETag"], int(begun.headers["Content-Length"])
    begun.close()
    assert etag == f'"{large}"'
    rest = online.get(path, a.token, **{"Range": f"bytes={len(got)}-", "If-Range": etag})
    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes {len(got)}-{length - 1}/{length}"
    assert hashlib.sha256(got + rest.content).hexdigest() == large
    part = online.get(path, a.token, Range="bytes=5-11")
    assert (part.status_code, part.content) == (206, got[5:12])


def test_a_download_does_not_go_on_with_another_blob(online: Online, large: str) -> None:
    a = online.federation.join("clinic-a", pull=True)
    headers = {"Range": "bytes=100-", "If-Range": f'"{"0" * 64}"'}
    answer = online.get(f"/weights/{large}", a.token, **headers)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == large


def test_a_download_beyond_the_end_is_refused(online: Online, large: str) -> None:
    a = online.federation.join("clinic-a", pull=True)
    answer = online.get(f"/weights/{large}", a.token, Range="bytes=99999999-")
    assert answer.status_code == 416


def test_slow_readers_of_parts_hold_no_thread(online: Online, large: str) -> None:
    """More of them than the server has threads, and it still answers."""
    a = online.federation.join("clinic-a", pull=True)
    head = (
        f"GET /api/v1/weights/{large} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {a.token}\r\nRange: bytes=1-\r\n\r\n"
    )
    slow: list[socket.socket] = []
    try:
        for _ in range(threading.active_count() + 20):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", online.server.port))
            connection.sendall(head.encode())
            slow.append(connection)
        for connection in slow:
            assert connection.recv(100).startswith(b"HTTP/1.1 206")
        assert online.get("/tasks/next", a.token).status_code == 204
    finally:
        for connection in slow:
            connection.close()
