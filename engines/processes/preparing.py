"""Brings a new study to where it can be trained: model, pictures and counts in their places."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from engines.processes.dataset import Dataset
from engines.processes.errors import RunFailed
from engines.processes.federation import Federation
from engines.processes.progress import say
from engines.processes.uploading import import_dataset
from federated.plan import Plan
from federated.study import Study
from imaging.folders import Found

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 180.0
"""Time in which the first model must be built and at every child: far more than it takes."""


def prepare_study(
    federation: Federation,
    study: Study,
    plan: Plan,
    dataset: Dataset,
    dealt: Mapping[str, list[Found]],
) -> None:
    """Makes a study and brings its first model and every picture to where they belong.

    Raises:
        RunFailed: Something of it did not arrive in time.
    """
    federation.master.create_study(study, plan)
    _wait(lambda: _without_model(federation, study.id), "the first model")
    import_dataset(federation, study.id, dataset, dealt, say)
    wait_until_counted(federation, study.id)


def wait_until_counted(federation: Federation, study: str) -> None:
    """Waits until the master knows how many pictures each child holds.

    Raises:
        RunFailed: It did not learn that in time.
    """
    _wait(lambda: _not_yet_counted(federation, study), "the number of pictures")


def _without_model(federation: Federation, study: str) -> list[str]:
    """Who lacks the study's first model."""
    view = federation.master.study(study)
    if view.problem:
        raise RunFailed(f"There is no first model ({view.problem.removesuffix('.')})")
    if view.current is None:
        return ["the master"]
    wanted = (study, view.current.weights)
    return [
        name
        for name, child in federation.children.items()
        if wanted not in [(held.study.id, held.weights) for held in child.status().studies]
    ]


def _not_yet_counted(federation: Federation, study: str) -> list[str]:
    """Sites of whose pictures the master does not know the present number."""
    known = {node.name: node.studies.get(study, {}) for node in federation.master.nodes()}
    held = {
        name: sum(sum(one.counts.values()) for one in child.status().studies)
        for name, child in federation.children.items()
    }
    return [name for name, count in held.items() if sum(known.get(name, {}).values()) != count]


def _wait(lacking: Callable[[], list[str]], what: str) -> None:
    """Waits until nobody lacks something.

    Raises:
        RunFailed: Somebody still did after a long time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while names := lacking():
        if time.monotonic() > deadline:
            raise RunFailed(
                f"Waited {PATIENCE_SECONDS:g} s in vain for {what} of {' and '.join(names)}"
            )
        time.sleep(POLL_SECONDS)
