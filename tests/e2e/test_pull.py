"""Sites that nobody can call, beside one that the master calls: real servers over real HTTP."""

import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from engines.processes.client import Child, Master
from engines.processes.federation import Federation, child_of, start_child
from tests.e2e.averaging import assert_averaged
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running import (
    Running,
    finished,
    new_study,
    plan,
    running_federation,
    wait_for,
)

CALLED, ASKING, WIRED = "called", "asking", "wired"
"""One that the master calls, one that asks it, and one that asks it through a long wire."""
PICTURES = {
    CALLED: {"blue": 23, "red": 18},
    ASKING: {"blue": 4, "red": 3},
    WIRED: {"blue": 12, "red": 5},
}
LONG = plan(rounds=2, epochs=120, quorum=len(PICTURES))
"""Long enough to be disturbed, short enough to be waited for; no round begins without all."""


REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|PATCH) (/\S*) HTTP/1\.1\r$", re.MULTILINE)

OURS = {(b"POST", b"/api/v1/join-tokens")}
"""What this test itself said through the wire, as the operator."""


class Connections:
    """Ports at which a server's process has been connected to others, looked at all the time."""

    def __init__(self, servers, name):
        self.seen = set()
        self._servers, self._name = servers, name
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._ended.wait(0.1):
            with suppress(psutil.Error, KeyError):
                process = psutil.Process(self._servers[self._name].pid)
                for connection in process.net_connections(kind="tcp"):
                    self.seen |= {connection.raddr.port} if connection.raddr else set()

    def close(self):
        self._ended.set()
        self._thread.join()


@pytest.fixture(scope="module")
def wire():
    """All that goes between the wired site and the master."""
    wire = RecordingProxy()
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, wire):
    """The three sites with their pictures, and what the master has been connected to."""
    options = {
        "child_options": ("--demo",),
        "master_options": ("--heartbeat-seconds", "1", "--lease-seconds", "20"),
    }
    with running_federation(tmp_path_factory.mktemp("mixed"), (CALLED,), **options) as running:
        running, connections = with_asking_sites(running, wire)
        new_study(running, "skin", PICTURES)
        yield running, connections
        connections.close()


def with_asking_sites(running, wire):
    wire.target = running.master.url
    connections = Connections(running.servers, "master")
    sites = (CALLED, ASKING, WIRED)
    settings = replace(running.settings, sites=sites, urls={ASKING: None, WIRED: None})
    token = running.federation.tokens["master"]
    start_child(running.servers, settings, ASKING, running.master)
    start_child(running.servers, settings, WIRED, Master(wire.url, token))
    children = {
        **running.children,
        **{name: Child(*child_of(running.servers, name)) for name in (ASKING, WIRED)},
    }
    federation = Federation(running.master, children, running.federation.tokens)
    return Running(running.servers, settings, federation), connections


def assert_each_counted_once(running, run, rounds):
    """In each round every site's one update counts once, and the average is right."""
    assert finished(running, run).state == "completed"
    closed = running.master.rounds(run)
    assert len(closed) == rounds
    for one in closed:
        nodes = Counter(update.node_name for update in one.updates)
        assert nodes == dict.fromkeys(PICTURES, 1)
        assert {update.status for update in one.updates} == {"accepted"}
        assert_averaged(
            running.state,
            one.weights_before,
            one.weights_after,
            [(update.num_examples, update.sha256) for update in one.updates],
        )
    assert len({update.num_examples for update in one.updates}) == 3


def in_training(running, run, site):
    """Waits until a site is in the midst of training for a run."""

    def is_training():
        tasks = {view.node_name: view for view in running.master.run(run).tasks}
        progress = tasks[site].progress if site in tasks else None
        return progress is not None and 0 < progress.epoch < LONG.training.epochs

    wait_for(is_training, f"{site} to train")


def test_two_rounds_of_sites_that_are_called_and_sites_that_ask(mixed):
    running, _ = mixed
    run = running.master.start_run("skin", plan(rounds=2)).id
    assert_each_counted_once(running, run, rounds=2)
    modes = {name: child.status().mode for name, child in running.children.items()}
    assert modes == {CALLED: "push", ASKING: "pull", WIRED: "pull"}


def test_the_last_model_comes_to_all_sites(mixed):
    running, _ = mixed
    current = running.master.study("skin").current
    for name, child in running.children.items():
        wait_for(
            lambda child=child: child.status().studies[0].weights == current.weights,
            f"the last model at {name}",
        )
    assert current.round == 2


def test_a_master_that_is_killed_while_a_site_asks_goes_on_when_it_is_back(mixed):
    running, _ = mixed
    run = running.master.start_run("skin", LONG).id
    in_training(running, run, CALLED)
    # The site with the fewest pictures is done, and asks for more.
    delivered = {"submitted", "accepted"}
    wait_for(
        lambda: any(
            view.node_name == ASKING and view.state in delivered
            for view in running.master.run(run).tasks
        ),
        f"the update of {ASKING}",
    )
    running.kill("master")
    for name in (ASKING, WIRED):
        child = running.children[name]
        wait_for(lambda child=child: not child.status().master_reachable, f"{name} to notice")
    running.start_master()
    assert_each_counted_once(running, run, rounds=2)


def test_a_wire_that_breaks_again_and_again_costs_nothing(mixed, wire):
    running, _ = mixed
    breaks = 0
    run = running.master.start_run("skin", LONG).id
    while running.master.run(run).state in ("pending", "running"):
        wire.cut()
        wire.mend()
        breaks += 1
        wait_for(lambda: running.children[WIRED].status().master_reachable, "the wire")
        threading.Event().wait(0.2)
    assert breaks > 1
    assert_each_counted_once(running, run, rounds=2)


def test_what_came_through_the_wire_is_what_the_site_says_has_left_it(mixed, wire):
    running, _ = mixed
    recorded = wire.recorded()
    calls = {call for stream in recorded for call in REQUEST.findall(stream)} - OURS
    answer = running.children[WIRED].get("/participation", limit=10_000)
    said = {(one["method"].encode(), one["path"].encode()) for one in answer["departures"]}
    assert calls <= said
    assert {path.split(b"/")[3].split(b"?")[0] for _, path in calls} == {
        b"nodes",
        b"tasks",
        b"weights",
    }
    assert (b"GET", b"/api/v1/tasks/next?wait=25") in calls


def test_no_picture_went_through_the_wire(mixed, wire):
    running, _ = mixed
    pictures = running.state / "children" / WIRED / "pictures"
    stored = [path.read_bytes() for path in pictures.rglob("*.png")]
    pixels = b"".join(path.read_bytes() for path in pictures.rglob("*.u8"))
    assert len(stored) == sum(PICTURES[WIRED].values())
    whole = b"\n".join(wire.recorded())
    assert not any(data[-60:-20] in whole for data in stored)
    assert not any(pixels[start : start + 24] in whole for start in range(0, len(pixels), 768))


def test_nobody_called_a_site_that_asks(mixed):
    """Last, so that the master has been watched through all of the above."""
    running, connections = mixed
    nodes = {node.name: node.url for node in running.master.nodes()}
    ports = {name: int(child.url.rpartition(":")[2]) for name, child in running.children.items()}
    assert nodes == {CALLED: running.children[CALLED].url, ASKING: None, WIRED: None}
    # What was watched would have been seen: it did call the other site.
    assert connections.seen & set(ports.values()) == {ports[CALLED]}
