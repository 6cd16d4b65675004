"""A federation with a long past: many sites, many rounds, and a round under way.

Everything in it was written by a real master in answer to real calls; only the training is left
out, for its sites are light nodes.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.connection import Answer
from benchmarks.light_node import LightNode, Record
from benchmarks.light_swarm import LightSwarm
from benchmarks.light_work import Noise
from engines.processes.client import Master
from engines.processes.federation import Federation, FederationSettings, start_federation
from engines.processes.servers import Servers
from federated.errors import FederationError
from federated.messages import Task
from federated.plan import ModelChoice, Plan, Privacy
from federated.states import RunState
from federated.study import Study
from federated.training import Training

STUDY = Study(id="history", name="A long history", classes=("benign", "malignant"), size=16)
TINY = ModelChoice(name="cnn10", settings={"width": 4, "grid": 1, "units": 4})
PICTURES = {"audit": 8, "test": 12}
"""The master's own, of each class: enough for credits and for the curves of the test."""

WATCH_SECONDS = 1.0
START_SECONDS = 120.0
ROUND_SECONDS = 60.0
"""Time that one round may take: far more than it does."""


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
        seconds: What the past took.
    """

    federation: Federation
    past: str
    open: str
    seconds: float


@contextmanager
def long_history(servers: Servers, sites: int, rounds: int) -> Iterator[History]:
    """So many sites with so many rounds behind them; every other one still trains.

    Raises:
        FederationError: The master refused something, or a run failed.
    """
    federation = start_federation(servers, FederationSettings(sites=()))
    master, plan = federation.master, _plan(sites, rounds)
    master.create_study(STUDY, plan)
    for part, number in PICTURES.items():
        for label, shade in zip(STUDY.classes, (90, 150), strict=True):
            master.add_pictures(STUDY.id, _pictures(shade, number, part), label, part)
    works = [Held(Noise(STUDY, 3 + n % 7, n, spread=0.5)) for n in range(sites)]
    record = Record()
    nodes = [
        LightNode(master.url, f"clinic-{n + 1:02}", STUDY.id, work, n, record)
        for n, work in enumerate(works)
    ]
    swarm = LightSwarm(nodes)
    swarm.start([master.join_token(approve=True) for _ in nodes])
    try:
        _wait(lambda: swarm.ready and master.study(STUDY.id).current is not None, START_SECONDS)
        began = time.monotonic()
        past = master.start_run(STUDY.id, plan).id
        _wait(lambda: _is_over(master, past, swarm), START_SECONDS + ROUND_SECONDS * rounds)
        seconds = time.monotonic() - began
        for work in works[::2]:
            work.holding = True
        under_way = master.start_run(STUDY.id, plan).id
        _wait(lambda: _is_waited_for(master, under_way, len(works[::2])), START_SECONDS)
        yield History(federation, past, under_way, seconds)
        swarm.check()
    finally:
        swarm.stop()


def _plan(sites: int, rounds: int) -> Plan:
    return Plan(
        model=TINY,
        training=Training(epochs=1, validation_fraction=0),
        privacy=Privacy(min_examples=1),
        rounds=rounds,
        quorum=sites,
        deadline_seconds=86_400.0,
        seed=1,
    )


def _is_over(master: Master, run: str, swarm: LightSwarm) -> bool:
    swarm.check()
    found = master.run(run)
    if found.state in (RunState.FAILED, RunState.STOPPED):
        raise FederationError(f"The run has {found.state}: {found.reason}")
    return found.state is RunState.COMPLETED


def _is_waited_for(master: Master, run: str, held: int) -> bool:
    states = [str(task.state) for task in master.run(run).tasks]
    return states.count("training") == held and "submitted" not in states and "leased" not in states


def _pictures(shade: int, number: int, part: str) -> list[tuple[str, bytes]]:
    """Grey noise around a shade, each picture another."""
    rng = np.random.default_rng([shade, *part.encode()])
    found = []
    for place in range(number):
        pixels = rng.integers(shade - 60, shade + 60, (*[STUDY.size] * 2, 3)).astype(np.uint8)
        kept = io.BytesIO()
        Image.fromarray(pixels).save(kept, "PNG")
        found.append((f"{place}.png", kept.getvalue()))
    return found


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Waits until a condition holds.

    Raises:
        FederationError: It did not in a long time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise FederationError(f"Waited {seconds:g} s in vain")
        time.sleep(WATCH_SECONDS)
