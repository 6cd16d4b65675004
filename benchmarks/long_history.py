"""A federation with a long past: many sites, many rounds, and a round under way.

The past is written by the product's own code without a server (`benchmarks.stepped_master`); then a
real master takes the folder over, and its sites are light nodes.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from benchmarks.connection import Answer
from benchmarks.light_node import LightNode, Record
from benchmarks.light_swarm import LightSwarm
from benchmarks.light_work import Noise
from benchmarks.stepped_master import Clock, SteppedMaster
from benchmarks.waiting import wait_until
from engines.processes.client import Master
from engines.processes.federation import Federation, FederationSettings, start_federation
from engines.processes.servers import Servers
from federated.messages import Enrolment, Heartbeat, Progress, StudyCounts, Task
from federated.plan import ModelChoice, Plan, Privacy
from federated.study import Study
from federated.training import Training
from master.evaluation import WorkerEvaluator
from master.settings import Settings
from master.state_folder import StateFolder
from master.uploads import Part

STUDY = Study(id="history", name="A long history", classes=("benign", "malignant"), size=16)
TINY = ModelChoice(name="cnn10", settings={"width": 4, "grid": 1, "units": 4})
PICTURES: Mapping[Part, int] = {"audit": 8, "test": 12}
"""The master's own, of each class: enough for credits and for the curves of the test."""

WATCH_SECONDS = 1.0
START_SECONDS = 120.0
DEADLINE_SECONDS = 120.0
TURNS_SECONDS, PAUSE_SECONDS = 9.0, 5.0
"""Of a round of the past, by its own clock: all sites in turn, then nobody. Together less than what
a site may be silent."""


class Held:
    """The work of a site that stops answering when it is told to, as one that trains does.

    Args:
        noise: What it sends until then.
    """

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self.holding = False

    @property
    def counts(self) -> Mapping[str, int]:
        """Pictures by class that it says it holds."""
        return self._noise.counts

    async def update(self, task: Task, start: Mapping[str, np.ndarray]) -> bytes:
        """The update, which is never ready once it is held."""
        while self.holding:
            await asyncio.sleep(WATCH_SECONDS)
        return await self._noise.update(task, start)

    def answered(self, task: Task, answer: Answer) -> None:
        """Nothing of it may be refused, but what comes after the end."""
        if not self.holding:
            self._noise.answered(task, answer)


@dataclass(frozen=True, slots=True)
class History:
    """A federation with a past.

    Attributes:
        federation: Its master.
        past: The run that is over.
        open: The run under way.
        seconds: What writing the past took.
    """

    federation: Federation
    past: str
    open: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Past:
    """A past that lies in a folder.

    Attributes:
        run: The run that is over.
        sites: The sites by name.
    """

    run: str
    sites: Mapping[str, Enrolment]


@contextmanager
def long_history(servers: Servers, sites: int, rounds: int) -> Iterator[History]:
    """So many sites with so many rounds behind them; every other one still trains.

    Raises:
        FederationError: The master refused something, or a run failed.
    """
    began = time.monotonic()
    works = [Held(Noise(STUDY, 5 + n % 7, n, spread=0.5, validated=True)) for n in range(sites)]
    past = _kept(servers.state, works, rounds)
    seconds = time.monotonic() - began
    federation = start_federation(servers, FederationSettings(sites=()))
    master, record = federation.master, Record()
    nodes = [
        LightNode(master.url, name, STUDY.id, work, n, record)
        for n, (name, work) in enumerate(zip(past.sites, works, strict=True))
    ]
    swarm = LightSwarm(nodes)
    swarm.start([*past.sites.values()])
    try:
        wait_until(lambda: swarm.ready, "the sites", START_SECONDS)
        for work in works[::2]:
            work.holding = True
        under_way = master.start_run(STUDY.id, plan_of(rounds, sites, 86_400.0)).id
        held = len(works[::2])
        wait_until(lambda: _is_waited_for(master, under_way, held), "a round", START_SECONDS)
        yield History(federation, past.run, under_way, seconds)
        swarm.check()
    finally:
        swarm.stop()


def _kept(state: Path, works: list[Held], rounds: int) -> Past:
    """The past of that folder, written first if there is none."""
    kept = state / "past.json"
    if not kept.exists():
        past = _written(state / "master", works, rounds)
        told = {name: site.model_dump(mode="json") for name, site in past.sites.items()}
        kept.write_text(json.dumps({"run": past.run, "sites": told}))
    document = json.loads(kept.read_text())
    sites = {name: Enrolment.model_validate(one) for name, one in document["sites"].items()}
    return Past(document["run"], sites)


def _written(state: Path, works: list[Held], rounds: int) -> Past:
    # No round takes longer than its deadline, its extension and one more look.
    clock = Clock(time.time() - 3 * DEADLINE_SECONDS * (rounds + 1))
    plan = plan_of(rounds, len(works) * 4 // 5, DEADLINE_SECONDS)
    settings = Settings(state)
    evaluator = WorkerEvaluator(StateFolder(state).logs, 1, settings.pretrained_folder)
    try:
        with SteppedMaster(state, clock, evaluator) as master:
            return past_of(master, clock, works, plan)
    finally:
        evaluator.stop()


def past_of(master: SteppedMaster, clock: Clock, works: Sequence[Held], plan: Plan) -> Past:
    """A study, its sites and a run of all its rounds.

    Args:
        master: Which has nothing yet.
        clock: Its clock; a round takes seconds of it, or the plan's deadline.
        works: What each site does.
        plan: Of the run.

    Raises:
        FederationError: The run has failed.
    """
    master.create_study(STUDY, plan)
    for part, number in PICTURES.items():
        for label, shade in zip(STUDY.classes, (90, 150), strict=True):
            for data in _pictures(shade, number, part):
                master.add_picture(STUDY.id, data, label, part)
    sites = {f"clinic-{n + 1:02}": master.join(f"clinic-{n + 1:02}") for n in range(len(works))}
    at_work = [(site.node_id, work) for site, work in zip(sites.values(), works, strict=True)]
    run = master.start_run(STUDY.id, plan)
    while not master.is_over(run):
        with master.together():
            for node, work in at_work:
                clock.pass_by(TURNS_SECONDS / len(works))
                _turn(master, node, work)
            clock.pass_by(PAUSE_SECONDS)
            master.settle()
    return Past(run, sites)


def _turn(master: SteppedMaster, node: str, work: Held) -> None:
    """What a site does with its task, if it has one; the same that a light node does."""
    task = master.next_task(node)
    held = StudyCounts(counts=dict(work.counts), weights=task.weights if task else None)
    busy = (task.id,) if task else ()
    master.beat(node, Heartbeat(studies={STUDY.id: held}, tasks=busy))
    if task is not None:
        master.progress(task.id, node, Progress(epochs=1))
        master.progress(task.id, node, Progress(epoch=1, epochs=1))
        start = load_file(master.weights(task.weights))
        master.deliver(task.id, node, asyncio.run(work.update(task, start)))


def plan_of(rounds: int, quorum: int, deadline: float) -> Plan:
    """A run of a tiny model that every site can train."""
    return Plan(
        model=TINY,
        training=Training(epochs=1, validation_fraction=0.2),
        privacy=Privacy(min_examples=1),
        rounds=rounds,
        quorum=quorum,
        deadline_seconds=deadline,
        seed=1,
    )


def _is_waited_for(master: Master, run: str, held: int) -> bool:
    states = [str(task.state) for task in master.run(run).tasks]
    return states.count("training") == held and "submitted" not in states and "leased" not in states


def _pictures(shade: int, number: int, part: str) -> list[bytes]:
    """Grey noise around a shade, each picture another."""
    rng = np.random.default_rng([shade, *part.encode()])
    found = []
    for _ in range(number):
        pixels = rng.integers(shade - 60, shade + 60, (*[STUDY.size] * 2, 3)).astype(np.uint8)
        kept = io.BytesIO()
        Image.fromarray(pixels).save(kept, "PNG")
        found.append(kept.getvalue())
    return found
