"""`train`: a whole federated training with real servers and without a browser."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.processes.client import Master
from engines.processes.credits import await_credits
from engines.processes.data_options import choice_of
from engines.processes.dataset import (
    Dataset,
    deal_out,
    pictures_needed,
    read_dataset,
    study_of,
)
from engines.processes.errors import RunFailed, WrongOption
from engines.processes.federation import (
    Federation,
    FederationSettings,
    master_options,
    start_federation,
)
from engines.processes.options import given_data
from engines.processes.planning import check_audit, plan_of, pretrained_folder
from engines.processes.preparing import prepare_study
from engines.processes.progress import bar, say
from engines.processes.public_batches import in_batches, wants_batches
from engines.processes.report import check_target, report, tables, write_report
from engines.processes.servers import Servers
from federated.partition import partitioner
from federated.plan import Plan
from federated.states import RunState
from federated.study import Study
from federated.views import RunView
from imaging.folders import Found

POLL_SECONDS = 0.25
OVER = frozenset({RunState.COMPLETED, RunState.STOPPED, RunState.FAILED})


def train(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Trains as the options say; prints tables and writes the results.

    Raises:
        FederationError: Something of it could not be done; the message says what.
    """
    dataset = read_dataset(given_data(options), choice=choice_of(options))
    study = study_of(options.data, dataset, options.size)
    plan, pretrained = plan_of(study, options), pretrained_folder(options)
    packs = wants_batches(plan, options.set)
    if not packs:
        check_audit(plan, dataset)
    sites = tuple(f"site-{number}" for number in range(1, options.children + 1))
    # A text that names no partition is to be heard of before anything else is looked at.
    partitioner(options.partition)
    kept = kept_state(options)
    with _state_folder(kept) as state:
        if options.out:
            check_target(options.out, state)
        if packs:
            dataset, plan = in_batches(dataset, plan, state / "batches")
            check_audit(plan, dataset)
        dealt = _dealt(dataset, plan, study, sites, options)
        with Servers(state, environment) as servers:
            say(f"Starting the master and {len(sites)} children.")
            settings = FederationSettings(
                sites,
                master_options=master_options(pretrained),
                child_options=child_options(plan),
            )
            federation = start_federation(servers, settings)
            place = str(kept) if kept else None
            document, text = _run(federation, study, plan, dataset, dealt, place)
        _tell(document, text, options.out)
    return 0


def _dealt(
    dataset: Dataset, plan: Plan, study: Study, sites: Sequence[str], options: argparse.Namespace
) -> dict[str, list[Found]]:
    """The pictures of each site's own; none where the plan has them train on public ones."""
    if plan.data.kind != "own":
        return {site: [] for site in sites}
    least = pictures_needed(plan, len(study.classes))
    return deal_out(dataset, sites, options.partition, options.seed, least, options.data)


def kept_state(options: argparse.Namespace) -> Path | None:
    """Where the servers' state stays: where the options say, else beside the results."""
    if options.state is None and options.out is not None:
        return Path(f"{options.out}.state")
    state: Path | None = options.state
    return state


def child_options(plan: Plan) -> tuple[str, ...]:
    """What makes a child train with as few pictures as the plan allows, and with no fewer."""
    return ("--min-examples", str(plan.privacy.min_examples))


def _tell(document: dict[str, Any], text: str, out: Path | None) -> None:
    try:
        if out:
            write_report(document, out)
            say(f"Results: {out}")
        if document["state"]:
            say(f"Databases, blobs and logs: {document['state']}")
    finally:
        print(text)


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
    matrix = master.cross_site(run.id) if plan.cross_site else None
    earned = await_credits(master, run.id)
    document = report(
        master.study(study.id), run, rounds, evaluation, seconds, state, matrix, earned
    )
    return document, tables(rounds, matrix, earned)


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
    parts = [run.reason] if run.reason else []
    for task in sorted(run.tasks, key=lambda task: task.node_name):
        progress = task.progress
        where = f"epoch {progress.epoch}/{progress.epochs}" if progress else str(task.state)
        parts.append(f"{task.node_name} {where}")
    return ", ".join(parts)


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
            expected="an empty or a new folder; --state names another one",
            received=given,
        )
    yield given
