"""What is measured: one data set, at real servers and in plain Keras workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.dataset import plain_arrays, site_arrays
from engines.processes.dataset import Dataset, deal_out, read_dataset
from engines.processes.federation import Federation, FederationSettings, start_federation
from engines.processes.preparing import prepare_study
from engines.processes.servers import Servers
from federated.errors import FederationError
from federated.plan import Plan
from federated.states import RunState
from federated.study import Study
from federated.views import RoundView, RunView
from imaging.folders import Found
from serving.worker import Json, Worker

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Setting:
    """A data set dealt out to sites under a plan.

    Attributes:
        study: The classification problem.
        plan: What every run does.
        dataset: All pictures.
        dealt: Training pictures by site.
        folder: For state, arrays and logs.
    """

    study: Study
    plan: Plan
    dataset: Dataset
    dealt: dict[str, list[Found]]
    folder: Path


def setting(folder: Path, data: Path, plan: Plan, *, size: int, sites: int = 2) -> Setting:
    """The pictures under `data`, dealt out evenly."""
    dataset = read_dataset(data)
    names = [f"site-{number}" for number in range(1, sites + 1)]
    dealt = deal_out(dataset, names, "iid", plan.seed)
    study = Study(id="benchmark", name="Benchmark", classes=dataset.classes, size=size)
    return Setting(study, plan, dataset, dealt, folder)


@contextmanager
def servers(measured: Setting) -> Iterator[Federation]:
    """A running federation that holds the pictures and the first model."""
    with Servers(measured.folder / "state", os.environ) as started:
        federation = start_federation(started, FederationSettings(tuple(measured.dealt)))
        prepare_study(federation, measured.study, measured.plan, measured.dataset, measured.dealt)
        yield federation


def timed_run(federation: Federation, study: str, plan: Plan) -> tuple[float, RunView]:
    """A run from its POST to its end, evaluations included; seconds and the run."""
    master = federation.master
    started = time.perf_counter()
    run = master.start_run(study, plan)
    while run.state not in (RunState.COMPLETED, RunState.FAILED, RunState.STOPPED):
        time.sleep(POLL_SECONDS)
        run = master.run(run.id)
    if run.state is not RunState.COMPLETED:
        raise FederationError(f"The run ended {run.state} ({run.reason})")
    return time.perf_counter() - started, run


def shares(rounds: list[RoundView]) -> dict[str, float]:
    """Where a run's time went, in seconds, over all its rounds."""
    children = sum(
        max((update.metrics.get("seconds", 0.0) for update in one.updates), default=0.0)
        for one in rounds
    )
    whole = (rounds[-1].closed_at or 0.0) - rounds[0].opened_at
    last = [(one.closed_at or 0.0) - one.opened_at for one in rounds]
    return {"children": children, "between": whole - sum(last), "rest": sum(last) - children}


@contextmanager
def plain_workers(measured: Setting, threads: tuple[int, ...]) -> Iterator[list[Worker]]:
    """Plain Keras processes with the same pictures, one for each number of threads."""
    arguments: Json = {
        "study": measured.study.model_dump(mode="json"),
        "plan": measured.plan.model_dump(mode="json"),
        "files": _arrays(measured),
    }
    with ExitStack() as stack:
        workers = []
        for number, count in enumerate(threads):
            log = measured.folder / f"plain-{number}.log"
            worker = Worker("benchmarks.plain_keras", [str(count)], dict(os.environ), log)
            stack.callback(worker.stop)
            workers.append(worker)
        with ThreadPoolExecutor(len(workers)) as pool:
            list(pool.map(lambda worker: worker.call("prepare", arguments), workers))
        yield workers


def _arrays(measured: Setting) -> dict[str, object]:
    plan, study = measured.plan, measured.study
    sites = []
    for name, pictures in measured.dealt.items():
        path = measured.folder / f"{name}.npz"
        fraction = plan.training.validation_fraction
        arrays = site_arrays(pictures, study, fraction, plan.seed)
        np.savez(path, allow_pickle=False, **arrays)
        sites.append(str(path))
    files: dict[str, object] = {"sites": sites}
    for part, found in (("test", measured.dataset.test), ("audit", measured.dataset.audit)):
        path = measured.folder / f"{part}.npz"
        if found:
            images, labels, _ = plain_arrays(found, study)
        else:
            images, labels = np.zeros((0, *study.picture_shape), np.uint8), np.zeros(0, np.int32)
        np.savez(path, images=images, labels=labels)
        files[part] = str(path)
    return files
