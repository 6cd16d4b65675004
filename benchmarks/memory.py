"""Training on far more pictures than fit into memory: what a child needs for it.

A real master and a real child, whose store is filled with as many pictures as are asked for:
rows in its database, pixels in its array file; only their PNG files are left out, which training
never reads. Then one round of one epoch, while the memory of all the child's processes is looked
at from outside: private pages, and pages of files that are mapped at the moment, which the system
can take back at any time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Report
from benchmarks.process_meter import family, megabytes
from benchmarks.setting import timed_run
from child.pictures import PictureFolder
from child.state_folder import StateFolder
from child.store.opening import open_database
from child.store.picture_rows import NewPicture
from child.store.pictures import PictureStore
from child.store.studies import StudyStore
from engines.processes.client import Child
from engines.processes.dataset import Dataset
from engines.processes.federation import (
    FederationSettings,
    child_of,
    child_state,
    start_child,
    start_federation,
)
from engines.processes.preparing import prepare_study, wait_until_counted
from engines.processes.servers import STOP_SECONDS, Servers
from federated.plan import Plan
from federated.study import Study
from federated.training import Training
from imaging.synthetic import CLASSES, draw_lesion

SITE = "site"
STUDY = Study(id="memory", name="Memory", classes=CLASSES, size=128)
PLAN = Plan(rounds=1, training=Training(epochs=1))
DRAWN = 64
"""Different lesions; the others differ from them in brightness and by a mark in the corner."""
AT_ONCE = 2000
LOOK_SECONDS = 0.2


def run(quick: bool) -> Report:
    """Trains on few and on many pictures; memory should not follow their number."""
    numbers = (2_000, 10_000) if quick else (10_000, 100_000)
    figures: list[Figure] = []
    for number in numbers:
        measured = _measure(number)
        figures += [
            Figure(
                f"peak_megabytes_{number}",
                f"{number:,} pictures: child's processes, at their peak (goal: 1611)",
                (measured.peak,),
                "MB",
            ),
            Figure(
                f"private_megabytes_{number}",
                "  of that without pages of mapped files",
                (measured.private,),
                "MB",
            ),
            Figure(
                f"pixels_megabytes_{number}",
                "  the bound: the pixels, if they were held in memory",
                (number * float(np.prod(STUDY.picture_shape)) / 1e6,),
                "MB",
            ),
            Figure(f"seconds_{number}", "  the round, from start to end", (measured.seconds,), "s"),
        ]
    return Report("memory", figures, {"size": STUDY.size, "model": PLAN.model.name, "epochs": 1})


@dataclass(slots=True)
class Measured:
    """Peaks of the child's processes together in MB, and the length of the run in seconds."""

    peak: float = 0.0
    private: float = 0.0
    seconds: float = 0.0


def _measure(number: int) -> Measured:
    with tempfile.TemporaryDirectory() as name, Servers(Path(name), os.environ) as servers:
        settings = FederationSettings((SITE,))
        federation = start_federation(servers, settings)
        prepare_study(federation, STUDY, PLAN, Dataset((), (), (), STUDY.classes), {SITE: []})
        servers[SITE].stop(STOP_SECONDS)
        _fill(StateFolder(child_state(servers.state, SITE)), number)
        start_child(servers, settings, SITE, federation.master)
        federation = replace(federation, children={SITE: Child(*child_of(servers, SITE))})
        wait_until_counted(federation, STUDY.id)
        measured = Measured()
        with _watched(servers[SITE].pid, measured):
            measured.seconds, _ = timed_run(federation, STUDY.id, PLAN)
        return measured


@contextmanager
def _watched(pid: int, measured: Measured) -> Iterator[None]:
    """Notes the most that a server and what it started need at any moment."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            pids = family(pid)
            measured.peak = max(measured.peak, sum(map(megabytes, pids)))
            private = sum(megabytes(one, kind="RssAnon") for one in pids)
            measured.private = max(measured.private, private)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _fill(state: StateFolder, number: int) -> None:
    """Puts pictures into a child's store, many at a time."""
    with closing(open_database(state)) as database:
        study = StudyStore(database, time.time).get(STUDY.id).study
        store = PictureStore(database, time.time)
        array = PictureFolder(state.pictures).array(study)
        array.path.parent.mkdir(parents=True, exist_ok=True)
        pictures = _pictures(number)
        while group := list(islice(pictures, AT_ONCE)):
            rows = array.append(np.stack([pixels for _, pixels in group]))
            store.add(
                STUDY.id,
                [
                    NewPicture(_hash(pixels), label, STUDY.size, STUDY.size, row)
                    for (label, pixels), row in zip(group, rows, strict=True)
                ],
            )


def _pictures(number: int) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    drawn = [
        (label, draw_lesion(rng, label, STUDY.size).astype(np.int16))
        for label in CLASSES
        for _ in range(DRAWN // 2)
    ]
    for index in range(number):
        label, pixels = drawn[index % DRAWN]
        changed = (pixels + rng.integers(-20, 21)).clip(0, 255).astype(np.uint8)
        # No two alike: the number stands in the first pixels.
        changed[0, :2] = np.frombuffer(index.to_bytes(6), np.uint8).reshape(2, 3)
        yield label, changed


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()
