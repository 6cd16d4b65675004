"""`./run_all.sh` from outside: what it starts, what it says, what it leaves."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests

from engines.processes.client import Child, Master
from engines.processes.ports import is_free, next_free_ports
from engines.processes.servers import ROOT, server_environment
from tests.e2e.pictures import picture, write_dataset
from tests.e2e.running import family, wait_for, wait_until_gone

READY = "Commonsight is ready: "


class Demo:
    """A demo as a user starts it: the command, its output, its end."""

    def __init__(self, state, base, *arguments):
        self.state = state
        self.process = subprocess.Popen(
            [ROOT / "run_all.sh", "--state", state, "--port-base", str(base), *arguments],
            env=server_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def line(self, beginning, timeout=120):
        """The first line yet to come that begins so."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(queue.Empty):
                line = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
                if line is not None and line.startswith(beginning):
                    return line.strip()
                if line is not None:
                    continue
            raise AssertionError(f"no line {beginning!r} in:\n{''.join(self.lines)}")

    def pids(self):
        """The servers by name, once all of them are started."""

        def started():
            with contextlib.suppress(FileNotFoundError):
                pids = json.loads((self.state / "processes.json").read_text())
                return pids if len(pids) == 4 else None

        return wait_for(started, "the servers")

    def everything(self):
        """Every process of this demo: the engine, the servers, their workers."""
        return family(self.process.pid)

    def tokens(self):
        """Address and token of master and sites, as the web app gets them."""
        return json.loads((self.state / "webapp.json").read_text())

    def _read(self):
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line)
                self._queue.put(line)
        self._queue.put(None)


@pytest.fixture
def start(tmp_path):
    """Starts demos and makes sure that none outlives its test."""
    demos = []

    def start(state, base, *arguments):
        demos.append(Demo(state, base, *arguments))
        return demos[-1]

    yield start
    for demo in demos:
        everything = demo.everything()
        for process in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        demo.process.wait()


@pytest.fixture
def base():
    """Where five ports in a row are free."""
    lowest = 29_000 + os.getpid() % 10_000
    while set(next_free_ports(lowest, "abcde").values()) != set(range(lowest, lowest + 5)):
        lowest += 5
    return lowest


def assert_nothing_is_left(everything, ports):
    wait_until_gone(everything)
    assert all(is_free(port) for port in ports)


def assert_only_workers_have_tensorflow(demo):
    """What makes servers quick to start; Linux alone shows what a process has loaded."""
    if sys.platform != "linux":
        return
    servers = demo.pids()
    loaded = {process.pid for process in demo.everything() if has_tensorflow(process.pid)}
    assert loaded, "the worker that made the first model has TensorFlow"
    assert loaded.isdisjoint({demo.process.pid, *servers.values()})


def has_tensorflow(pid):
    try:
        return "libtensorflow" in Path(f"/proc/{pid}/maps").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_demo_starts_stops_and_finds_its_state_again(start, base, tmp_path):
    """The whole life of a demo: each of the three signals ends one of its starts, and it alone."""
    state = tmp_path / "a folder with spaces"
    ports = range(base, base + 4)
    demo = start(state, base)
    wait_for(lambda: _all_healthy(ports), "everything to be healthy")
    link = demo.line(READY).removeprefix(READY)
    assert link.startswith(f"http://127.0.0.1:{base}/enter?key=")
    browser = requests.Session()
    assert browser.get(f"http://127.0.0.1:{base}", timeout=30).status_code == 401
    assert browser.get(link, timeout=30).status_code == 200
    assert "<title>Streamlit" in browser.get(f"http://127.0.0.1:{base}", timeout=30).text
    study, weights = _first_look(demo)
    assert_only_workers_have_tensorflow(demo)
    everything = demo.everything()
    assert {process.pid for process in everything} >= set(demo.pids().values())
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert_nothing_is_left(everything, ports)

    demo = start(state, base)
    demo.line(READY)
    assert _second_look(demo, study) == weights
    everything = demo.everything()
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(60) == 0
    assert_nothing_is_left(everything, ports)

    # In the middle of starting, too.
    with subprocess.Popen(["sleep", "600"]) as stranger:
        try:
            demo = start(state, base)
            demo.pids()
            everything = demo.everything()
            demo.process.send_signal(signal.SIGHUP)
            assert demo.process.wait(60) == 0
            assert_nothing_is_left(everything, ports)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_servers_end_with_an_engine_that_is_killed(start, base, tmp_path):
    demo = start(tmp_path / "state", base)
    demo.pids()
    everything = demo.everything()
    demo.process.kill()
    demo.process.wait()
    assert_nothing_is_left(everything, range(base, base + 4))


def test_a_training_that_is_interrupted_stops_its_servers_and_says_so(tmp_path):
    data = write_dataset(tmp_path / "data", {"blue": 22, "red": 23}, test=2)
    state = tmp_path / "state"
    with subprocess.Popen(
        [ROOT / "run_all.sh", "train", "--data", data, "--state", state, "--size", "16"],
        env=server_environment(os.environ),
        stderr=subprocess.PIPE,
        text=True,
    ) as training:
        wait_for(lambda: (state / "processes.json").exists(), "the first server")
        everything = family(training.pid)
        training.terminate()
        errors = training.communicate(timeout=60)[1]
    assert training.returncode == 128 + signal.SIGTERM
    assert "Stopped." in errors
    assert "Traceback" not in errors
    assert len(everything) >= 2
    assert_nothing_is_left(everything, [])


def test_a_demo_steps_over_ports_that_are_taken_and_shares_its_state_with_nobody(
    start, base, tmp_path
):
    state = tmp_path / "state"
    with socket.create_server(("127.0.0.1", base)):
        first = start(state, base)
        assert first.line(READY).startswith(f"{READY}http://127.0.0.1:{base + 1}/enter?key=")
        second = start(state, base)
        assert second.process.wait(60) == 1
        assert "Another ./run_all.sh is using this state folder" in "".join(second.lines)
        assert len(first.pids()) == 4
        assert _all_healthy(range(base + 1, base + 5))
        assert first.process.poll() is None
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(60) == 0


def test_a_usual_port_that_is_taken_is_named(tmp_path):
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            # If somebody else has it, all the better.
            stack.enter_context(socket.create_server(("127.0.0.1", 8501)))
        result = subprocess.run(
            [ROOT / "run_all.sh", "--state", tmp_path / "state"],
            env=server_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert "in use" in result.stderr
    assert "--port-base" in result.stderr
    assert "Traceback" not in result.stderr


def _all_healthy(ports):
    webapp, *servers = ports
    urls = [f"http://127.0.0.1:{webapp}/_stcore/health"]
    urls += [f"http://127.0.0.1:{port}/health" for port in servers]
    try:
        return all(requests.get(url, timeout=5).ok for url in urls)
    except requests.RequestException:
        return False


def _clients(demo):
    settings = demo.tokens()
    master = Master(settings["master"]["url"], settings["master"]["token"])
    return master, [Child(site["url"], site["token"]) for site in settings["sites"]]


def _first_look(demo):
    """The demo study is there, with audit and test pictures; a picture is put into a site."""
    master, (site, _) = _clients(demo)
    (study,) = master.studies()
    assert sum(study.pictures["audit"].values()) >= 100
    assert sum(study.pictures["test"].values()) >= 100
    name = study.study.id
    current = wait_for(lambda: master.study(name).current, "the first model")
    wait_for(lambda: site.status().studies, "the study at the site")
    site.add_pictures(name, [("benign.png", picture("red", 1))], None)
    assert (demo.state / "webapp.json").stat().st_mode & 0o777 == 0o600
    tries = list((demo.state / "pictures-to-try").rglob("*.jpg"))
    assert len(tries) >= 40
    assert all(path.name.startswith(("benign", "malignant")) for path in tries)
    return name, current.weights


def _second_look(demo, study):
    """Everything of the first start is there again; returns the current weights' hash."""
    master, (site, other) = _clients(demo)
    (held,) = site.status().studies
    assert held.counts["benign"] == 1
    assert sum(other.status().studies[0].counts.values()) == 0
    wait_for(lambda: all(node.reachable for node in master.nodes()), "the sites")
    assert {node.name for node in master.nodes()} == {"site-1", "site-2"}
    return master.study(study).current.weights
