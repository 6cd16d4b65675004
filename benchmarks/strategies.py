"""Every aggregation rule on the same real pictures, each of them seen equally often.

Ten nodes with unlike mixtures of benign and malignant lesions (Dirichlet 0.3, drawn anew for each
seed) train the head of a frozen MobileNet by plain SGD, as the papers do. Beside the rules stand
all pictures together and each node alone. Settings are those of the papers, or what ten nodes
allow; none was tuned on the test pictures. A tenth of the training pictures is kept for the rule
that goes by audit pictures, and trains nowhere. Needs the folder `shared/data`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.figures import Figure, Report
from engines.compare.material import Material, Prepared, hashes_of_weights, prepare
from engines.compare.question import Way, in_one_go
from engines.compare.results import Result
from engines.compare.running import run_case
from engines.compare.summary import Row, rows_of
from engines.compare.tables import FIGURES, name_of, told
from engines.processes.dataset import Dataset, read_dataset
from engines.processes.report import table
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import decoded
from engines.simulation.workers import Workers
from federated.errors import NotFound
from federated.plan import Plan
from federated.strategies import RULES, asynchronous, settings_of
from federated.study import Study
from imaging.readers.splitting import split_groups
from master.plan_faults import check_plan

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
DATA = SHARED / "skin_binary"
PARTITION = "dirichlet:0.3"
NODES = 10
SIZE = 128
AUDIT_SHARE = 0.1

PLAN: Mapping[str, Any] = MappingProxyType(
    {
        "rounds": 10,
        "model": {
            "name": "mobilenet",
            "weights": "mobilenet_2_5_224_tf_no_top.h5",
            "trained": "features",
            "settings": {"alpha": 0.25, "dropout": 0.3},
        },
        "training": {
            "epochs": 3,
            "batch_size": 16,
            "optimizer": "sgd",
            # Of 0.001 to 0.3, the best AUC on a fifth of the training pictures (one split).
            "learning_rate": 0.003,
            "validation_fraction": 0.0,
        },
    }
)
"""How every rule's nodes train."""

SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # Hsu et al. (2019).
        "fedavgm": {"momentum": 0.9, "server_lr": 1.0},
        # Reddi et al. (2021), for pictures (CIFAR-10): 10^-1 and 10^-2, τ = 10^-3.
        "fedadagrad": {"server_lr": 0.1, "tau": 1e-3},
        "fedadam": {"server_lr": 0.01, "tau": 1e-3},
        "fedyogi": {"server_lr": 0.01, "tau": 1e-3},
        # Karimireddy et al. (2020).
        "scaffold": {"server_lr": 1.0},
        # What ten nodes allow: 3 hostile ones, and 1 for Bulyan, which needs 4f + 3.
        "krum": {"f": 3},
        "multi_krum": {"f": 3},
        "trimmed_mean": {"beta": 0.3},
        "bulyan": {"f": 1},
        "best_k": {"k": 3},
    }
)
"""Settings of the rules that have any."""

PROXIMAL = 0.01
"""FedProx's μ: one of the four that Li et al. (2020) tried, 0.001 to 1."""


def run(quick: bool) -> Report:
    """Trains under each rule for each seed.

    Raises:
        NotFound: The real pictures are not here.
    """
    if not DATA.is_dir():
        raise NotFound("There are no lesions of real hospitals here", expected="shared/data")
    seeds, rounds = ((1,), 1) if quick else ((1, 2, 3), PLAN["rounds"])
    plan = Plan.model_validate(dict(PLAN) | {"rounds": rounds})
    with tempfile.TemporaryDirectory() as name:
        found = list(_results(Path(name), plan, seeds))
    rows = rows_of(found)
    settings = {
        "data": DATA.name,
        "nodes": NODES,
        "partition": PARTITION,
        "rounds": rounds,
        "local": "{optimizer} {learning_rate:g}, {epochs} epochs, batches of {batch_size}".format(
            **plan.training.model_dump()
        ),
        "seeds": list(seeds),
    }
    layout = f"{_table(rows)}\n\n{_range_alone(found)}"
    return Report("strategies", list(_figures(rows)), settings, layout)


def plan_of(name: str, plan: Plan) -> Plan:
    """The plan under a rule, with that rule's settings.

    Raises:
        InvalidInput: The rule knows no such setting.
    """
    document = plan.model_dump(mode="json")
    document["strategy"] = {"name": name, "settings": dict(SETTINGS.get(name, {}))}
    if name == "fedprox":
        document["training"]["proximal"] = PROXIMAL
    changed = Plan.model_validate(document)
    settings_of(changed.strategy)
    return changed


def rules(plan: Plan) -> list[str]:
    """The rules whose rounds a simulation can run, in the order in which they are known."""
    return [name for name in RULES if asynchronous(plan_of(name, plan).strategy) is None]


def _results(folder: Path, plan: Plan, seeds: Sequence[int]) -> Iterator[Result]:
    dataset = read_dataset(DATA)
    train, audit = split_groups(dataset.train, AUDIT_SHARE, 0)
    dataset = replace(dataset, train=tuple(train), audit=tuple(audit))
    study = Study(id="strategies", name="Strategies", classes=dataset.classes, size=SIZE)
    pixels, material = _material(study, dataset, plan, folder)
    with Workers(1, 1, folder / "logs") as workers:
        for seed in seeds:
            # What is frozen makes the same features for every rule: they share a folder.
            laboratory = Laboratory(
                study, pixels, workers, folder / f"runs-{seed}", SHARED / "weights"
            )
            for prepared in _cases(material, plan.model_copy(update={"seed": seed})):
                result = run_case(prepared, laboratory)
                shown = ", ".join(f"{name} {result.mean(name) or 0:.3f}" for name in FIGURES)
                print(f"{prepared.case.title}: {shown}", file=sys.stderr, flush=True)
                yield result


def _material(study: Study, dataset: Dataset, plan: Plan, folder: Path) -> tuple[Path, Material]:
    found = [*dataset.train, *dataset.test, *dataset.audit]
    pixels, pictures = decoded(found, study, folder / "pictures")
    pairs = zip(found, pictures, strict=True)
    known = {one.stamp: picture for one, picture in pairs if picture is not None}
    weights = hashes_of_weights([plan], SHARED / "weights")
    return pixels, Material(study, dataset, DATA, known, weights)


def _cases(material: Material, plan: Plan) -> Iterator[Prepared]:
    ways = [
        Way("together", None, "", in_one_go(plan)),
        Way("alone", PARTITION, "", in_one_go(plan)),
        *(Way("federated", PARTITION, "", plan_of(name, plan)) for name in rules(plan)),
    ]
    for way in ways:
        check_plan(way.plan, material.study, NODES if way.kind == "federated" else 0)
        yield prepare(material, way, NODES, None, material.dataset)


def _table(rows: Sequence[Row]) -> str:
    columns = ("rule", "settings", "accuracy", "balanced", "AUC", "AUC over alone")
    cells = [
        (
            name_of(row),
            _settings(row.strategy or ""),
            *(told(row.figures.get(figure)) for figure in FIGURES),
            f"{row.margin.mean:+.3f}" if row.margin else "–",
        )
        for row in rows
    ]
    return table(columns, cells)


def _settings(name: str) -> str:
    settings = {"proximal": PROXIMAL} if name == "fedprox" else SETTINGS.get(name, {})
    return ", ".join(f"{key} {value:g}" for key, value in settings.items())


def _range_alone(found: Sequence[Result]) -> str:
    """The worst and the best node alone, for the mean hides what some of them lack."""
    lines = []
    for result in found:
        if result.case.kind == "alone":
            areas = sorted(model.figures.get("auc") or 0.0 for model in result.models)
            shown = " ".join(f"{area:.3f}" for area in areas)
            lines.append(f"each node alone, seed {result.case.plan.seed}, AUC: {shown}")
    return "\n".join(lines)


def _figures(rows: Sequence[Row]) -> Iterator[Figure]:
    for row in rows:
        name = name_of(row)
        for figure in FIGURES:
            if spread := row.figures.get(figure):
                meaning = f"{name}: {figure.replace('_', ' ')}"
                yield Figure(f"{name}_{figure}", meaning, spread.values)
