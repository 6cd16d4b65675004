"""Many light nodes that pull, against one real master: how long a task waits, and what it costs.

Each node enrols with a join token of its own, long-polls, fetches the weights, reports
progress and delivers an update of a tiny model, over real HTTP and connections of its own;
only the training is left out, so that all answer at the same moment, which is the worst case.

* the wait: from the moment when a task is ready (its row in the master's database) to the
  moment when its node has read the poll's answer;
* the master: CPU time and peak memory of its server process. Its evaluation process builds
  the first model and rests from then on: the study has no pictures;
* idle: the CPU time that all nodes cost while none has anything to do, heartbeats included.

Every number of nodes has a master of its own, for a process's peak memory only grows.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, Report
from benchmarks.light_node import WAIT_SECONDS, LightNode, Record
from benchmarks.light_swarm import LightSwarm, joined
from benchmarks.light_work import Noise
from benchmarks.process_meter import cpu_seconds, megabytes
from benchmarks.waiting import wait_until
from engines.processes.client import Master
from engines.processes.federation import FederationSettings, start_federation
from engines.processes.servers import Servers
from federated.errors import FederationError
from federated.plan import ModelChoice, Plan, Privacy
from federated.states import RunState
from federated.study import Study
from federated.training import Training
from federated.views import RoundView

STUDY = Study(id="swarm", name="Swarm", classes=("benign", "malignant"), size=16)
TINY = ModelChoice(name="cnn10", settings={"width": 4, "grid": 1, "units": 4})
ROUNDS = 3
PATIENCE_SECONDS = 180.0
"""Time that any one step may take: far more than it does."""

SETTLE_SECONDS = 6.0
"""Until every node has beaten once more, and learned that it may do so less often."""


def run(quick: bool) -> Report:
    """Measures a run with few and with many nodes, then the cost of waiting."""
    numbers, repetitions, polls = ((50,), 1, 1) if quick else ((50, 100, 200), 3, 3)
    # Whole times of a poll: all nodes went idle together, so their polls end together.
    idle = float(polls * WAIT_SECONDS)
    figures: list[Figure] = []
    for number in numbers:
        figures += _figures(number, _measure(number, repetitions, idle))
    settings = {"nodes": list(numbers), "rounds": ROUNDS, "runs": repetitions, "idle_seconds": idle}
    return Report("swarm", figures, settings)


@dataclass
class Measured:
    """What one number of nodes has come to, one value a run.

    Attributes:
        waits: Seconds between a task's being ready and its poll's answer, by run.
        seconds: Length of the runs.
        master: CPU seconds of the master.
        nodes: CPU seconds of all nodes together.
        memory: Peak memory of the master in MB, before any node joined and at the end.
        idle: CPU seconds of the master a second while nobody has work.
        turned_away: Polls that found too many others waiting.
    """

    waits: list[list[float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    master: list[float] = field(default_factory=list)
    nodes: list[float] = field(default_factory=list)
    memory: tuple[float, float] = (0.0, 0.0)
    idle: float = 0.0
    turned_away: int = 0


def _measure(number: int, repetitions: int, idle_seconds: float) -> Measured:
    with tempfile.TemporaryDirectory() as name, Servers(Path(name), os.environ) as servers:
        federation = start_federation(servers, FederationSettings(sites=()))
        master, pid = federation.master, servers["master"].pid
        measured, record = Measured(), Record()
        plan = _plan(number)
        master.create_study(STUDY, plan)
        wait_until(
            lambda: master.study(STUDY.id).current is not None, "the first model", PATIENCE_SECONDS
        )
        before = megabytes(pid, kind="VmHWM")
        with _joined(master, number, record) as swarm:
            for _ in range(repetitions):
                _run_once(master, pid, plan, swarm, record, measured)
            measured.idle = _idle(pid, swarm, idle_seconds)
        measured.memory = before, megabytes(pid, kind="VmHWM")
        measured.turned_away = record.turned_away
        return measured


def _plan(number: int) -> Plan:
    return Plan(
        model=TINY,
        training=Training(epochs=1, validation_fraction=0),
        privacy=Privacy(min_examples=1),
        rounds=ROUNDS,
        quorum=number,
        deadline_seconds=PATIENCE_SECONDS,
        seed=1,
    )


@contextmanager
def _joined(master: Master, number: int, record: Record) -> Iterator[LightSwarm]:
    """So many nodes, all enrolled and known with their counts."""
    nodes = [
        LightNode(master.url, f"node-{n:03}", STUDY.id, Noise(STUDY, n % 7 + 1, n), n, record)
        for n in range(number)
    ]
    with joined(master, nodes, PATIENCE_SECONDS) as swarm:
        yield swarm


def _run_once(
    master: Master, pid: int, plan: Plan, swarm: LightSwarm, record: Record, measured: Measured
) -> None:
    """One run of all nodes, and what it took."""
    cpu, own = cpu_seconds(pid), _own_seconds()
    run_id = master.start_run(STUDY.id, plan).id

    def over() -> bool:
        swarm.check()
        state = master.run(run_id).state
        if state in (RunState.FAILED, RunState.STOPPED):
            raise FederationError(f"The run has {state}: {master.run(run_id).reason}")
        return state is RunState.COMPLETED

    wait_until(over, "the run", PATIENCE_SECONDS)
    finished = master.run(run_id)
    measured.seconds.append((finished.finished_at or 0.0) - finished.created_at)
    measured.master.append(cpu_seconds(pid) - cpu)
    measured.nodes.append(_own_seconds() - own)
    measured.waits.append(_waits(master.rounds(run_id), record))


def _waits(rounds: list[RoundView], record: Record) -> list[float]:
    """How long each task of a run waited for its node's poll to be answered.

    Raises:
        FederationError: A task did not end with an accepted update.
    """
    lost = [task for one in rounds for task in one.tasks if task.state != "accepted"]
    if lost or len(rounds) != ROUNDS:
        raise FederationError(f"{len(lost)} tasks were not answered, in {len(rounds)} rounds")
    return [record.received[task.id] - task.created_at for one in rounds for task in one.tasks]


def _idle(pid: int, swarm: LightSwarm, seconds: float) -> float:
    # The last model of the run is still on its way to the nodes.
    time.sleep(SETTLE_SECONDS)
    before = cpu_seconds(pid)
    time.sleep(seconds)
    swarm.check()
    return (cpu_seconds(pid) - before) / seconds


def _own_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _figures(number: int, measured: Measured) -> list[Figure]:
    n = number
    start, peak = measured.memory
    quantiles = [statistics.quantiles(waits, n=100) for waits in measured.waits]
    half, most = (tuple(cuts[at] for cuts in quantiles) for at in (49, 98))
    return [
        Figure(f"p50_seconds_{n}", f"{n} nodes: a task waits, half of them less", half, "s"),
        Figure(f"p99_seconds_{n}", "  99 % of them less", most, "s"),
        Figure(f"run_seconds_{n}", f"  the run of {ROUNDS} rounds", tuple(measured.seconds), "s"),
        Figure(f"master_cpu_seconds_{n}", "  CPU of the master", tuple(measured.master), "s"),
        Figure(f"nodes_cpu_seconds_{n}", "  CPU of all nodes", tuple(measured.nodes), "s"),
        Figure(f"start_megabytes_{n}", "  memory of the master, no node yet", (start,), "MB"),
        Figure(f"peak_megabytes_{n}", "  memory of the master, at its peak", (peak,), "MB"),
        Figure(f"idle_percent_{n}", "  idle: share of one core", (100 * measured.idle,), "%"),
        Figure(f"turned_away_{n}", "  polls turned away", (float(measured.turned_away),)),
    ]
