"""`python -m child` without an address, with its real trainer, killed with an update to deliver."""

import signal
import time
from collections import deque

import psutil
import pytest

from tests.child.conftest import named, task_of
from tests.child.pull_master import Reply, pull_master
from tests.child.test_process import Speaker, gone, initial, run, serving

__all__ = ["initial"]


@pytest.fixture
def asked():
    with pull_master() as master:
        master.hold = 60
        yield master


def test_a_child_that_pulls_is_killed_with_an_update_and_delivers_it(tmp_path, asked, initial):
    push, blob = initial
    asked.keep(blob)
    asked.models = {"skin": push}
    asked.faults["update"] = deque([Reply(503)] * 1000)
    state = tmp_path / "state"

    # The model comes before any task; the update of the first is not taken, then it is killed.
    with serving(state, asked.url, url=None) as (process, address):
        asked.wait_for(lambda: asked.polling == 1)
        child = Speaker(address, run("token", "--state", str(state)).stdout.strip(), "")
        while not child.status()["studies"]:
            time.sleep(0.02)
        assert (child.status()["mode"], child.status()["node_state"]) == ("pull", "active")
        assert child.upload(named(9)).status_code == 201
        asked.offer(task_of(push, "first"))
        asked.wait_for(lambda: asked.paths("PUT /tasks/first/update"))
        family = [process.pid, *(worker.pid for worker in psutil.Process(process.pid).children())]
        process.kill()
        process.wait()
        assert gone(family)
    made = next(call.body for call in asked.calls if call.method == "PUT")
    assert (asked.updates, asked.states["first"]) == ({}, "leased")

    # It delivers the same bytes and asks for more; its stop does not wait for the poll.
    asked.faults.clear()
    with serving(state, asked.url, url=None) as (process, _):
        asked.wait_for(lambda: asked.states["first"] == "submitted")
        asked.wait_for(lambda: asked.polling == 1)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        assert process.returncode == 0
    assert asked.updates == {"first": made}
    assert asked.enrolled == 1
    assert "it asks the master for work, and is never called by it" in log
    assert "Traceback" not in log
