"""A real master, and runs of ten light nodes, some of them hostile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.hostile_sites.site import HONEST_ROUNDS, Neighbours, Pictures, Site
from benchmarks.light_node import LightNode, Record
from benchmarks.light_swarm import LightSwarm, joined
from benchmarks.odd_sites.heads import Recipe
from benchmarks.waiting import wait_until
from engines.processes.client import Master
from engines.processes.federation import operator_token
from engines.processes.servers import Servers
from federated.plan import Plan
from federated.states import RunState
from federated.study import Study
from federated.views import RoundView
from imaging.folders import Found

PATIENCE_SECONDS = 900.0
"""Time in which a run ends: far more than it takes, for busy machines."""

UPLOADED = 64
"""Files of one upload."""

OVER = (RunState.COMPLETED, RunState.FAILED, RunState.STOPPED)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part in a run.

    Attributes:
        honest: What each honest node holds.
        hostile: What each hostile node holds.
        attack: What the hostile nodes send; None where there is no hostile node.
        recipe: How all train.
        seed: Root of every choice of the nodes.
    """

    honest: Sequence[Pictures]
    hostile: Sequence[Pictures]
    attack: str | None
    recipe: Recipe
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        figures: The last model on the test pictures; empty where no round was finished.
        caught: Updates of hostile nodes in the attack's rounds that did not count.
        attacks: Updates of hostile nodes in those rounds.
        wronged: Honest updates that were rejected.
        honest: Honest updates.
        reasons: Why honest updates were rejected.
        problem: Why the run ended early; empty where it did not.
    """

    figures: Mapping[str, float]
    caught: int
    attacks: int
    wronged: int
    honest: int
    reasons: tuple[str, ...] = ()
    problem: str = ""


@contextmanager
def served(folder: Path, pretrained: Path) -> Iterator[Master]:
    """A master in a process of its own."""
    state = folder / "master"
    with Servers(folder, os.environ) as servers:
        options = ("--state", str(state), "--port", "0", "--pretrained", str(pretrained))
        quick = ("--threads", "1", "--heartbeat-seconds", "2")
        process = servers.spawn("master", ["master", "serve", *options, *quick])
        yield Master(process.wait_for_address(PATIENCE_SECONDS), operator_token(state))


def prepare(master: Master, study: Study, plan: Plan, parts: Mapping[str, Sequence[Found]]) -> None:
    """A study with the master's own pictures, by part."""
    master.create_study(study, plan)
    for part, found in parts.items():
        for label in study.classes:
            files = [(one.path.name, one.read()) for one in found if one.label == label]
            for start in range(0, len(files), UPLOADED):
                master.add_pictures(study.id, files[start : start + UPLOADED], label, part)
    wait_until(
        lambda: master.study(study.id).current is not None, "the first model", PATIENCE_SECONDS
    )


def outcome(master: Master, study: Study, plan: Plan, cast: Cast) -> Outcome:
    """One run of new nodes, of which the master knows nothing yet."""
    names = [f"node-{time.time_ns()}-{number:02}" for number in range(_size(cast))]
    hostile = set(names[len(cast.honest) :])
    nodes = _nodes(master, study, cast, names)
    with _joined(master, study, nodes, names) as swarm:
        run = master.start_run(study.id, plan)

        def is_over() -> bool:
            swarm.check()
            return master.run(run.id).state in OVER

        wait_until(is_over, "the end of the run", PATIENCE_SECONDS)
    ended, rounds = master.run(run.id), master.rounds(run.id)
    problem = "" if ended.state is RunState.COMPLETED else f"{ended.state} ({ended.reason})"
    return _told(rounds, hostile, problem)


def _size(cast: Cast) -> int:
    return len(cast.honest) + len(cast.hostile)


def _nodes(master: Master, study: Study, cast: Cast, names: Sequence[str]) -> list[LightNode]:
    neighbours, record = Neighbours(), Record()
    rngs = np.random.default_rng(cast.seed).spawn(_size(cast))
    nodes = []
    for number, pictures in enumerate((*cast.honest, *cast.hostile)):
        attack = cast.attack if number >= len(cast.honest) else None
        site = Site(
            study.classes, pictures, cast.recipe, attack, neighbours, number == 0, rngs[number]
        )
        nodes.append(LightNode(master.url, names[number], study.id, site, number, record))
    return nodes


@contextmanager
def _joined(
    master: Master, study: Study, nodes: list[LightNode], names: Sequence[str]
) -> Iterator[LightSwarm]:
    """Nodes that the master knows with their counts; afterwards none of them takes part again."""
    try:
        with joined(master, nodes, PATIENCE_SECONDS) as swarm:
            yield swarm
    finally:
        for node in master.nodes():
            if node.name in names:
                master.call("PATCH", f"/nodes/{node.id}", json={"state": "suspended"})


def _told(rounds: Sequence[RoundView], hostile: set[str], problem: str) -> Outcome:
    measured = [one.evaluation for one in rounds if one.evaluation]
    figures = {
        name: value
        for name, value in (measured[-1] if measured else {}).items()
        if name in ("accuracy", "balanced_accuracy", "auc") and isinstance(value, float)
    }
    attacked = [one for one in rounds if one.number > HONEST_ROUNDS]
    attacks = [task for one in attacked for task in one.tasks if task.node_name in hostile]
    others = [task for one in rounds for task in one.tasks if task.node_name not in hostile]
    wronged = [task for task in others if task.state == "rejected"]
    return Outcome(
        figures=figures,
        caught=sum(task.state == "rejected" for task in attacks),
        attacks=len(attacks),
        wronged=len(wronged),
        honest=len(others),
        reasons=tuple(task.reason or "" for task in wronged),
        problem=problem,
    )
