import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
import requests

from engines.processes.errors import ServerFailed, StateInUse
from engines.processes.process import ServerProcess, stop_all
from engines.processes.servers import ROOT, Servers, held, server_environment

MODULE = "tests.engines.processes.small_server"


@pytest.fixture
def start(tmp_path):
    started = []

    def start(behaviour, name="small"):
        log = tmp_path / "logs" / f"{name}.log"
        environment = server_environment(os.environ)
        started.append(ServerProcess(name, [MODULE, behaviour], environment, ROOT, log))
        return started[-1]

    yield start
    stop_all(started, 0.0)


def test_a_server_is_started_announces_itself_and_stops_cleanly(start):
    server = start("good")
    address = server.wait_for_address(20)
    assert requests.get(address, timeout=5).status_code == 501
    server.stop(10)
    assert server.exit_status == 0
    assert not psutil.pid_exists(server.pid)


def test_a_server_that_is_ending_is_not_asked_again(start):
    server = start("patient")
    server.wait_for_address(20)
    server.ask_to_stop()
    while "ending" not in server.log_path.read_text():
        time.sleep(0.01)
    server.stop(10)
    assert server.exit_status == 0


def test_a_server_runs_in_a_session_of_its_own(start):
    server = start("good")
    server.wait_for_address(20)
    assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_the_log_is_for_the_owner_only_and_collects_what_is_said(start):
    server = start("broken")
    assert server.wait() == 1
    assert server.log_path.read_text() == "first line\nThe cupboard is bare.\n"
    assert stat.S_IMODE(server.log_path.stat().st_mode) == 0o600


def test_a_server_that_does_not_start_is_reported_with_its_last_words(start):
    with pytest.raises(ServerFailed, match=r"small did not start \(The cupboard is bare\)"):
        start("broken").wait_for_address(20)


def test_last_words_of_an_earlier_start_are_not_repeated(start):
    start("broken").wait()
    server = start("good")
    server.wait_for_address(20)
    assert "cupboard" not in server.failure("ended").detail


def test_a_server_that_does_not_stop_is_killed_with_its_workers(start):
    server = start("stubborn")
    server.wait_for_address(20)
    worker = int(server.log_path.read_text().split()[1])
    server.stop(0.2)
    assert server.exit_status == -signal.SIGKILL
    assert _ends(worker)


def test_servers_end_with_an_engine_that_is_killed(tmp_path):
    script = textwrap.dedent(
        f"""
        import os, pathlib, time
        from engines.processes.servers import Servers
        with Servers(pathlib.Path({str(tmp_path)!r}), os.environ) as servers:
            server = servers.spawn("small", [{MODULE!r}, "good"])
            server.wait_for_address(20)
            print(server.pid, flush=True)
            time.sleep(600)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=server_environment(os.environ),
    ) as engine:
        server = psutil.Process(int(engine.stdout.readline()))
        engine.kill()
        psutil.wait_procs([server], timeout=20)
    assert not server.is_running()


def test_a_stop_forgets_the_servers_and_tells_who_ended_by_itself(tmp_path, monkeypatch):
    # The block's end ignores signals for good, which is right for an engine only.
    monkeypatch.setattr("engines.processes.servers.SIGNALS", ())
    with Servers(tmp_path, os.environ) as servers:
        good = servers.spawn("good", [MODULE, "good"])
        good.wait_for_address(20)
        broken = servers.spawn("broken", [MODULE, "broken"])
        assert servers.wait_for_an_end() is broken
        assert f'"good": {good.pid}' in (tmp_path / "processes.json").read_text()
    assert good.exit_status == 0
    assert not (tmp_path / "processes.json").exists()


def test_one_engine_at_a_time_holds_a_state_folder(tmp_path):
    with held(tmp_path), pytest.raises(StateInUse, match="--state"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_servers_do_not_inherit_the_engines_own_options():
    environment = server_environment({"PATH": "/bin", "COMMONSIGHT_STATE": "/elsewhere"})
    assert environment["PATH"] == "/bin"
    assert "COMMONSIGHT_STATE" not in environment


def _ends(pid):
    """Whether a process that is not our child is gone, or soon is; the kernel takes a moment."""
    for _ in range(500):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False
