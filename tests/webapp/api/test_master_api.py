"""What the calls at the master cost: how long each answer is kept."""

from __future__ import annotations

from federated.states import RunState
from federated.views import CourseView
from tests.webapp import sample
from tests.webapp.scripted import MASTER, ScriptedServers, ok
from webapp.api import Connection, MasterApi
from webapp.views.results import SETTLING_SECONDS, is_settled


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


def test_the_course_of_a_run_that_is_long_over_is_kept_longer() -> None:
    course = ok(CourseView(run="r1", total=0, rounds=[], sites=[]))
    servers = ScriptedServers({MASTER: {"GET runs/r1/course": course}})
    clock = Clock()
    master = MasterApi(Connection(MASTER, "token", servers.session(), clock))
    for clock.time in (0.0, 10.0, 20.0):
        master.course("r1", settled=True)
    assert len(servers.made("GET", "runs/r1/course")) == 1
    for clock.time in (100.0, 110.0, 120.0):
        master.course("r1")
    assert len(servers.made("GET", "runs/r1/course")) == 4


def test_a_run_is_settled_some_time_after_its_end() -> None:
    over = sample.run(state=RunState.COMPLETED, finished_at=1000.0)
    assert is_settled(over, 1001.0 + SETTLING_SECONDS)
    assert not is_settled(over, 1001.0)
    assert not is_settled(sample.run(state=RunState.RUNNING, finished_at=None), 1e9)
