"""Signs of life: gathered in memory, written down together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.master.federation import ChildInTest, Clock, Federation


def reachable(federation: Federation, *children: ChildInTest) -> list[bool]:
    views = {view["id"]: view["reachable"] for view in federation.get("/nodes")["nodes"]}
    return [views[child.id] for child in children]


def poll(federation: Federation, child: ChildInTest) -> None:
    """A poll that ends at once with nothing."""
    assert federation.call("GET", "/tasks/next?wait=0", child.token).status_code == 204


def test_a_node_that_calls_is_there_until_it_falls_silent(
    federation: Federation, clock: Clock
) -> None:
    a, b = federation.join("clinic-a", pull=True), federation.join("clinic-b", pull=True)
    federation.services.presence.write()
    assert reachable(federation, a, b) == [False, False]
    poll(federation, a)
    federation.services.presence.write()
    assert reachable(federation, a, b) == [True, False]
    clock.tick(federation.settings.reachable_seconds + 1)
    federation.services.presence.write()
    assert reachable(federation, a, b) == [False, False]


def test_a_node_that_waits_is_there_though_it_says_nothing(
    federation: Federation, clock: Clock
) -> None:
    a = federation.join("clinic-a", pull=True)
    polls, presence = federation.services.polls, federation.services.presence
    looked = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(polls.wait, a.id, 60, looked.set)
        assert looked.wait(60)
        for _ in range(6):
            clock.tick(federation.settings.heartbeat_seconds)
            presence.write()
        assert reachable(federation, a) == [True]
        polls.close()


def test_between_two_polls_a_node_does_not_go_away(federation: Federation, clock: Clock) -> None:
    a = federation.join("clinic-a", pull=True)
    for _ in range(6):
        poll(federation, a)
        clock.tick(federation.settings.heartbeat_seconds - 0.1)
        federation.services.presence.write()
        assert reachable(federation, a) == [True]


def test_the_coordinator_hears_of_a_node_that_appears_and_not_of_one_that_stays(
    federation: Federation, clock: Clock
) -> None:
    a = federation.join("clinic-a", pull=True)
    wakeup, presence = federation.services.wakeup, federation.services.presence
    told = []
    for calls in (True, True, False, True):
        wakeup.wait(0)
        if calls:
            poll(federation, a)
        presence.write()
        told.append(wakeup.pending)
        clock.tick(5)
    assert told == [True, False, False, True]


def test_a_node_that_hung_up_is_there_no_longer(federation: Federation) -> None:
    a = federation.join("clinic-a", pull=True)
    polls = federation.services.polls
    looked, gone = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(polls.wait, a.id, 60, looked.set, gone.is_set)
        assert looked.wait(60)
        federation.services.presence.write()
        assert polls.waiting == {a.id}
        gone.set()
        federation.services.presence.write()
        assert polls.waiting == frozenset()
        assert waits.exception(60) is not None


def test_it_writes_by_itself_and_soon_after_a_node_appears(federation: Federation) -> None:
    a = federation.join("clinic-a", pull=True)
    presence, wakeup = federation.services.presence, federation.services.wakeup
    wakeup.wait(0)
    presence.start()
    try:
        presence.note(a.id)
        wakeup.wait(60)
        assert reachable(federation, a) == [True]
    finally:
        presence.stop()
