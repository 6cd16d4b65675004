"""A federated run through real servers, beside plain Keras on the same work.

2 children x 640 pictures of 100 x 100 x 3, `cnn10`, rounds of one epoch, with training,
validation and the evaluations of each round on all sides:

* ours: from the POST of the run to its end, servers already up;
* the loop: one plain Keras process, all cores, trains the two in turn;
* the bound: two plain Keras processes side by side, one thread each, no exchange at all.

They take turns, so that a slow minute of a shared machine hits all three.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.dataset import draw_dataset
from benchmarks.figures import Figure, Report, ratio
from benchmarks.setting import (
    plain_workers,
    servers,
    setting,
    shares,
    timed_run,
)
from engines.processes.client import Child
from engines.processes.federation import Federation
from federated.plan import Plan
from federated.study import Study
from federated.training import Training
from serving.worker import Worker

PICTURES = {"train": 1280, "test": 128, "audit": 64}
EMPTY_ROUNDS = 20


def run(quick: bool) -> Report:
    """Measures ours, the loop and the bound in turn, then empty rounds."""
    rounds, repetitions = (2, 3) if quick else (10, 7)
    pictures = {part: number // 4 for part, number in PICTURES.items()} if quick else PICTURES
    plan = Plan(rounds=rounds, training=Training(epochs=1), seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_dataset(folder / "data", pictures, size=100, seed=1)
        measured = setting(folder, folder / "data", plan, size=100)
        with servers(measured) as federation, plain_workers(measured, (0, 1, 1)) as plain:
            figures = _in_turns(federation, plain, measured.study, plan, repetitions)
            figures += _empty_rounds(federation, measured.study, repetitions)
    settings = {"rounds": rounds, "pictures": pictures, "runs": repetitions}
    return Report("round_overhead", figures, settings)


def _in_turns(
    federation: Federation, plain: list[Worker], study: Study, plan: Plan, repetitions: int
) -> list[Figure]:
    loop, *bound = plain
    parts: list[dict[str, float]] = []

    def ours() -> float:
        seconds, finished = timed_run(federation, study.id, plan)
        parts.append(shares(federation.master.rounds(finished.id)))
        return seconds

    def in_turn() -> float:
        return _timed(lambda: loop.call("in_turn", {"rounds": plan.rounds}))

    def side_by_side() -> float:
        def one(number: int) -> None:
            bound[number].call("alone", {"rounds": plan.rounds, "number": number})

        with ThreadPoolExecutor(len(bound)) as pool:
            return _timed(lambda: list(pool.map(one, range(len(bound)))))

    contestants = (ours, in_turn, side_by_side)
    for contestant in contestants:
        contestant()  # Tracing and first touches are not measured, on no side.
    parts.clear()
    rows = [[contestant() for contestant in contestants] for _ in range(repetitions)]
    columns = [tuple(column) for column in zip(*rows, strict=True)]
    a = Figure("ours_seconds", "ours, real servers", columns[0], "s")
    b = Figure("loop_seconds", "plain Keras, in turn", columns[1], "s")
    c = Figure("bound_seconds", "plain Keras, side by side (bound)", columns[2], "s")
    return [
        a,
        b,
        c,
        ratio("ours_over_bound", "ours over the bound (goal 1.10)", a, c),
        ratio("ours_over_loop", "ours over the loop (goal 0.65)", a, b),
        ratio("bound_over_loop", "the bound over the loop", c, b),
        *(
            Figure(f"share_{key}", f"  of ours: {meaning}", tuple(part[key] for part in parts), "s")
            for key, meaning in (
                ("children", "the slower child at work"),
                ("rest", "handing over, checking, averaging"),
                ("between", "between rounds"),
            )
        ),
    ]


def _empty_rounds(federation: Federation, study: Study, repetitions: int) -> list[Figure]:
    """Rounds of zero epochs without validation, in a study whose master has no pictures."""
    empty = study.model_copy(update={"id": "empty", "name": "Empty rounds"})
    training = Training(epochs=0, validation_fraction=0)
    plan = Plan(rounds=EMPTY_ROUNDS, training=training, seed=1)
    federation.master.create_study(empty, plan)
    _give_pictures(federation, empty)
    timed_run(federation, empty.id, plan)
    seconds = [timed_run(federation, empty.id, plan)[0] / EMPTY_ROUNDS for _ in range(repetitions)]
    return [Figure("empty_round_seconds", "an empty round (goal 0.2)", tuple(seconds), "s")]


def _give_pictures(federation: Federation, study: Study) -> None:
    with tempfile.TemporaryDirectory() as name:
        draw_dataset(Path(name), {"train": 20}, size=32, seed=2)
        files = [(path.name, path.read_bytes()) for path in sorted(Path(name).rglob("*.png"))]
    wait_until(lambda: all(_holds(child, study.id) for child in federation.children.values()))
    for child in federation.children.values():
        child.add_pictures(study.id, files, study.classes[0])
    wait_until(
        lambda: (
            all(study.id in node.studies for node in federation.master.nodes())
            and all(sum(node.studies[study.id].values()) > 0 for node in federation.master.nodes())
        )
    )


def _holds(child: Child, study: str) -> bool:
    return any(held.study.id == study and held.weights for held in child.status().studies)


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Waits for a condition outside of what is measured."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.1)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
