"""`compare`: one study, several ways, as a table, as files and as a page of charts."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.compare.material import (
    Material,
    Prepared,
    hashes_of_weights,
    judged_parts,
    prepare,
    without_test,
)
from engines.compare.question import check_all_take_part, in_one_go, ways, with_strategy
from engines.compare.results import Kept, Result
from engines.compare.running import run_cases
from engines.compare.summary import never_seen, rows_of
from engines.compare.tables import csv_of, table_of, table_of_never_seen
from engines.compare.variations import variations
from engines.processes.data_options import choice_of
from engines.processes.dataset import Dataset, read_dataset, study_of
from engines.processes.errors import WrongOption
from engines.processes.options import given_data
from engines.processes.planning import NOWHERE, plan_of, pretrained_folder
from engines.processes.progress import bar, say
from engines.processes.servers import cores, held
from engines.simulation.pictures import decoded
from engines.simulation.simulation import check_simulated
from engines.simulation.workers import Workers
from federated.partition import partitioner
from federated.plan import Plan
from federated.study import Study
from federated.values import Sha256
from imaging.folders import Found
from master.plan_faults import check_plan
from master.pretrained import check_weights
from serving.files import write_file

if TYPE_CHECKING:
    from engines.processes.progress import Bar


def compare(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Compares as the options say; prints tables and writes files; 1 where a case failed.

    Raises:
        FederationError: Something of it could not be done; the message says what.
    """
    dataset = read_dataset(given_data(options), choice=choice_of(options))
    study = study_of(options.data, dataset, options.size)
    plans = _plans(study, options)
    for partition in options.partitions:
        partitioner(partition)
    with _folder(options.out) as folder:
        weights = hashes_of_weights((plan for _, plan in plans), _pretrained(options))
        material = _material(study, dataset, options.data, weights, folder)
        if options.folds is None:
            _tell_repeated(material)
        cases = list(_cases(material, plans, options))
        results, failures = _done(cases, folder, options)
        for prepared, reason in failures:
            say(f"{prepared.case.title}: {reason}")
        if results:
            text = _write(results, study.name, folder)
            if options.out:
                say(f"Tables and charts: {options.out}")
            print(text)
    return 1 if failures else 0


def _plans(study: Study, options: argparse.Namespace) -> list[tuple[str, Plan]]:
    """The plan and its variations, by what differs; each checked as the master would."""
    asked = {**vars(options), "strategy": None, "seed": options.seeds[0]}
    plan = plan_of(study, argparse.Namespace(**asked))
    plans = [("", plan), *variations(plan, options.vary or "")]
    for _, one in plans:
        in_one_go(one)
        check_all_take_part(one, options.cases, options.children)
        for name in options.strategies or (one.strategy.name,):
            federated = with_strategy(one, name)
            check_plan(federated, study, options.children)
            check_simulated(federated)
        check_weights(one.model, _pretrained(options))
    return plans


def _pretrained(options: argparse.Namespace) -> Path:
    """The folder of the weights that plans name; one without files where none is given."""
    return pretrained_folder(options) or NOWHERE


def _material(
    study: Study, dataset: Dataset, data: Path, weights: Mapping[str, Sha256], folder: Path
) -> Material:
    """The pictures, decoded into the folder where they are not there yet."""
    found = [*dataset.train, *dataset.test]
    with bar(len(found), "Reading", "pictures") as progress:
        _, pictures = decoded(found, study, folder / "pictures", progress.update, _tell_refused)
    known = {
        one.stamp: picture
        for one, picture in zip(found, pictures, strict=True)
        if picture is not None
    }
    return Material(study, dataset, data, known, weights)


def _tell_repeated(material: Material) -> None:
    apart = without_test(material.dataset, material.pictures)
    if twice := len(material.dataset.train) - len(apart.train):
        told = "1 picture lies" if twice == 1 else f"{twice} pictures lie"
        say(f"{told} in the training part and in the test part, and will not train.")


def _tell_refused(found: Found, error: Exception) -> None:
    say(f"{found.name} was left out: {error}")


def _cases(
    material: Material, plans: Sequence[tuple[str, Plan]], options: argparse.Namespace
) -> Iterator[Prepared]:
    for variation, plan in plans:
        strategies = options.strategies or (plan.strategy.name,)
        for seed in options.seeds:
            own = plan.model_copy(update={"seed": seed})
            for fold, dataset in judged_parts(material, options.folds, seed):
                for way in ways(own, variation, options.cases, strategies, options.partitions):
                    yield prepare(material, way, options.children, fold, dataset)


def _done(
    cases: Sequence[Prepared], folder: Path, options: argparse.Namespace
) -> tuple[list[Result], list[tuple[Prepared, str]]]:
    """What all cases came to, in their order, and the ones that failed."""
    kept = Kept(folder / "cases")
    results = {one.case.key: result for one in cases if (result := kept.get(one.case))}
    open_cases = [one for one in cases if one.case.key not in results]
    if results:
        say(f"{len(results)} of {len(cases)} cases were finished before and are not done again.")
    failures = []
    if open_cases:
        count, pretrained = options.workers or cores(), _pretrained(options)
        with (
            Workers(count, 1, folder / "logs") as workers,
            bar(sum(one.work for one in open_cases), "Training", "pictures") as progress,
        ):
            pixels, seen = folder / "pictures" / "pixels.u8", _Counter(progress)
            for end in run_cases(
                open_cases, pixels, workers, folder / "work", pretrained, kept, seen.add
            ):
                if isinstance(end, Result):
                    results[end.case.key] = end
                    say(f"{end.case.title}: {_figures(end)} after {end.seconds:.0f} s")
                else:
                    failures.append((end[0], end[1].detail))
    return [results[one.case.key] for one in cases if one.case.key in results], failures


class _Counter:
    """Counts pictures for a bar, from several threads."""

    def __init__(self, progress: Bar) -> None:
        self._bar = progress
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._bar.update(count)


def _figures(result: Result) -> str:
    shown = {"accuracy": result.mean("accuracy"), "AUC": result.mean("auc")}
    return ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)


def _write(results: Sequence[Result], name: str, folder: Path) -> str:
    """Writes `results.json`, `results.csv`, `results.txt` and `charts.html`; returns the text."""
    # Plotly takes a second to import, which only a finished comparison pays.
    from engines.compare.plot import page_of

    rows, entries = rows_of(results), never_seen(results)
    text = table_of(rows)
    if entries:
        text += "\n\n" + table_of_never_seen(entries)
    document: dict[str, Any] = {
        "study": results[0].case.study.model_dump(mode="json"),
        "rows": [row.model_dump(mode="json") for row in rows],
        "never_seen": [entry.model_dump(mode="json") for entry in entries],
        "cases": [{"case": one.case.key, "title": one.case.title} for one in results],
    }
    holdings = {
        result.case.partition: result.holdings
        for result in reversed(results)
        if result.case.partition is not None
    }
    files = {
        "results.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        "results.csv": csv_of(rows),
        "results.txt": text + "\n",
        "charts.html": page_of(f"{name}: compared", rows, entries, holdings, text),
    }
    for file, content in files.items():
        write_file(folder / file, content.encode())
    return text


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder given, held for this comparison; else one for it alone.

    Raises:
        WrongOption: It is no folder, or holds something else.
    """
    if given is None:
        with tempfile.TemporaryDirectory(prefix="commonsight-") as temporary:
            yield Path(temporary)
        return
    if given.exists() and (not given.is_dir() or _is_foreign(given)):
        raise WrongOption(
            "--out holds something that is no comparison",
            expected="a new or empty folder, or that of an earlier comparison",
            received=given,
        )
    given.mkdir(parents=True, exist_ok=True)
    with held(given):
        yield given


def _is_foreign(folder: Path) -> bool:
    names = set(os.listdir(folder))
    return bool(names) and not names & {"cases", "pictures", "lock"}
