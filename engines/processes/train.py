"""`train`: a whole federated training with real servers and without a browser."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engines.processes.client import Master
from engines.processes.dataset import Dataset, deal_out, read_dataset, study_of
from engines.processes.errors import RunFailed, WrongOption
from engines.processes.federation import Federation, FederationSettings, start_federation
from engines.processes.options import given_folder
from engines.processes.progress import bar, say
from engines.processes.report import report, tables, write_report
from engines.processes.servers import Servers
from engines.processes.uploading import import_dataset
from federated.plan import Plan
from federated.states import RunState
from federated.study import Study
from federated.views import RunView, StudyView
from imaging.folders import Found

POLL_SECONDS = 0.25
MODEL_SECONDS = 180.0
"""Time in which the first model must be built and at every child."""

OVER = frozenset({RunState.COMPLETED, RunState.STOPPED, RunState.FAILED})


def train(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Trains as the options say; prints tables and writes the results.

    Raises:
        FederationError: Something of it could not be done; the message says what.
    """
    dataset = read_dataset(given_folder(options, "data"))
    study = study_of(options.data, dataset, options.size)
    sites = tuple(f"site-{number}" for number in range(1, options.children + 1))
    dealt = deal_out(dataset, sites, options.partition, options.seed)
    with _state_folder(options.state) as state, Servers(state, environment) as servers:
        say(f"Starting the master and {len(sites)} children.")
        federation = start_federation(servers, FederationSettings(sites))
        plan = plan_of(federation.master, options)
        kept = options.state and str(state)
        document, text = _run(federation, study, plan, dataset, dealt, kept)
    print(text)
    if options.out:
        write_report(document, options.out)
        say(f"Results: {options.out}")
    return 0


def plan_of(master: Master, options: argparse.Namespace) -> Plan:
    """The preset's plan with what the options say instead.

    Raises:
        WrongOption: There is no such preset.
    """
    presets = {preset.name: preset.plan for preset in master.plans()}
    if options.preset not in presets:
        raise WrongOption(
            "There is no such preset", expected=f"one of {sorted(presets)}", received=options.preset
        )
    return changed_plan(presets[options.preset], options)


def changed_plan(preset: Plan, options: argparse.Namespace) -> Plan:
    """A plan with those fields changed that an option gives; checked anew.

    Raises:
        WrongOption: The options make no possible plan.
    """
    document = preset.model_dump(mode="json")
    places: list[tuple[dict[str, Any], str, object]] = [
        (document, "rounds", options.rounds),
        (document["training"], "epochs", options.epochs),
        (document["training"], "batch_size", options.batch_size),
        (document["training"], "learning_rate", options.learning_rate),
        (document["strategy"], "name", options.strategy),
    ]
    if options.model not in (None, preset.model.name):
        # Another architecture has other settings.
        places.append((document, "model", {"name": options.model}))
    for section, key, value in places:
        if value is not None:
            section[key] = value
    # Whoever waits at a command line does not want to wait for uploads.
    document |= {"seed": options.seed, "trigger": {"kind": "start"}}
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"]) or "plan"
        raise WrongOption(
            f"The options make no plan: {field} is wrong",
            expected=fault["msg"],
            received=fault.get("input"),
        ) from None


def _run(
    federation: Federation,
    study: Study,
    plan: Plan,
    dataset: Dataset,
    dealt: Mapping[str, list[Found]],
    state: str | None,
) -> tuple[dict[str, Any], str]:
    master = federation.master
    prepare_study(federation, study, plan, dataset, dealt)
    start = time.monotonic()
    run = _follow(master, master.start_run(study.id, plan))
    seconds = time.monotonic() - start
    rounds = master.rounds(run.id)
    evaluation = master.evaluation(run.id, run.round)["test"]
    document = report(master.study(study.id), run, rounds, evaluation, seconds, state)
    return document, tables(rounds)


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
    _wait(lambda: _model_is_everywhere(federation, study.id), "the first model at every child")
    import_dataset(federation, study.id, dataset, dealt, say)
    _wait(lambda: _counts_are_known(federation, study.id), "the children's counts")


def _follow(master: Master, run: RunView) -> RunView:
    """Shows a run's progress until it is over.

    Raises:
        RunFailed: It ended otherwise than complete.
    """
    with bar(run.plan.rounds, "Training", "rounds") as progress:
        while run.state not in OVER:
            time.sleep(POLL_SECONDS)
            run = master.run(run.id)
            closed = max(0, run.round - 1)
            progress.set_postfix_str(_doing(run), refresh=False)
            progress.update(closed - progress.n)
        if run.state is RunState.COMPLETED:
            progress.update(run.round - progress.n)
    if run.state is not RunState.COMPLETED:
        raise RunFailed(f"The run ended {run.state} ({run.reason or 'no reason given'})")
    return run


def _doing(run: RunView) -> str:
    """What each site does, in a few words: `site-1 epoch 2/5`."""
    parts = []
    for task in sorted(run.tasks, key=lambda task: task.node_name):
        progress = task.progress
        where = f"epoch {progress.epoch}/{progress.epochs}" if progress else str(task.state)
        parts.append(f"{task.node_name} {where}")
    return ", ".join(parts)


def _model_is_everywhere(federation: Federation, study: str) -> bool:
    view: StudyView = federation.master.study(study)
    if view.problem:
        raise RunFailed(f"There is no first model ({view.problem.removesuffix('.')})")
    if view.current is None:
        return False
    return all(
        any(held.study.id == study and held.weights == view.current.weights for held in status)
        for status in (child.status().studies for child in federation.children.values())
    )


def _counts_are_known(federation: Federation, study: str) -> bool:
    known = {node.name: node.studies.get(study, {}) for node in federation.master.nodes()}
    return all(
        sum(known.get(name, {}).values())
        == sum(sum(held.counts.values()) for held in child.status().studies)
        for name, child in federation.children.items()
    )


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + MODEL_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RunFailed(f"Waited {MODEL_SECONDS:g} s in vain for {what}")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _state_folder(given: Path | None) -> Iterator[Path]:
    """The folder given, which must be empty or new; else one for this training alone."""
    if given is None:
        with tempfile.TemporaryDirectory(prefix="commonsight-") as folder:
            yield Path(folder)
        return
    if given.exists() and (not given.is_dir() or os.listdir(given)):
        raise WrongOption(
            "The state folder is in use already, and a training starts afresh",
            expected="an empty or a new folder after --state",
            received=given,
        )
    yield given
