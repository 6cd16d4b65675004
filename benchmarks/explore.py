"""A search for hyperparameters against the plan's own and against a random search, equal compute.

Ten sites of 100 pictures to train on and 10 that judge, three rounds, as many epochs of as many
pictures in each arm: with the plan's own settings everywhere, with settings proposed at random,
and with settings proposed by TPE; each going on from the best model of a round, or from the mean
of the best three. A plan that names none has its defaults, which nobody chose for these pictures;
beside it stands one that names those of the preset `quick`, which were. Models are chosen by audit
pictures; the figures are those of test pictures that no arm has seen. The settings that TPE found
are then given to a run of their own, which tells whether they are better or only the choice among
ten models was.

Real lesions where the folder `shared/data` is beside the project (the head of a frozen MobileNet),
else drawn ones (cnn10 at 32 px).
"""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Report
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import Picture, decoded
from engines.simulation.search import AuditPart
from engines.simulation.simulated_run import SimulatedRun
from engines.simulation.simulation import measure, simulate
from engines.simulation.site import SimulatedSite, site_of
from engines.simulation.workers import Workers
from federated.plan import Plan
from federated.study import Study
from imaging.folders import read_class_folders
from imaging.synthetic import DemoSize, write_demo_set
from master.search.trials import leads

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
WEIGHTS = "mobilenet_2_5_224_tf_no_top.h5"
SITES, TRAIN, JUDGING = 10, 100, 10
AUDIT = 300
"""Audit pictures at most: those that are left over."""

FEATURES = {
    "name": "mobilenet",
    "trained": "features",
    "weights": WEIGHTS,
    "settings": {"alpha": 0.25, "dropout": 0.3},
}
SMALL = {"name": "cnn10", "settings": {"width": 8}}


def preset_training() -> dict[str, Any]:
    """What a search would look for, as the preset `quick` has it for the same kind of model."""
    plan = tomllib.loads((ROOT / "plans" / "quick.toml").read_text())["plan"]
    return {name: plan["training"][name] for name in SPACE}


SEEDS = tuple(range(1, 11))
"""Others than 11 to 22, on which ways of asking TPE were compared before."""

BEST = {"name": "best_k", "settings": {"k": 1}}
BEST_THREE = {"name": "best_k", "settings": {"k": 3}}
MEAN = {"name": "fedavg"}
SPACE = {
    "learning_rate": [1e-4, 1e-1],
    "batch_size": [8, 16, 32],
    "optimizer": ["adam", "sgd"],
}
TPE, RANDOM = ({"space": SPACE, "sampler": sampler} for sampler in ("tpe", "random"))
SEARCH = "TPE, best of ten"
FOUND = "settings that TPE found, mean of all"
ARMS: Mapping[str, dict[str, Any]] = {
    "plan's own settings, mean of all": {"strategy": MEAN},
    "plan's own settings, best of ten": {"strategy": BEST},
    "settings of the preset quick, mean of all": {"strategy": MEAN, "training": preset_training()},
    "random search, best of ten": {"strategy": BEST, "search": RANDOM},
    SEARCH: {"strategy": BEST, "search": TPE},
    "random search, best three of ten": {"strategy": BEST_THREE, "search": RANDOM},
    "TPE, best three of ten": {"strategy": BEST_THREE, "search": TPE},
    FOUND: {"strategy": MEAN},
}
"""Each as what it changes in the plan."""

MEASURES = ("auc", "accuracy", "balanced_accuracy")


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained on and what judges, for one seed."""

    sites: tuple[SimulatedSite, ...]
    audit: AuditPart
    test: AuditPart


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures, and the model that suits them."""

    name: str
    folder: Path
    model: dict[str, Any]
    size: int

    @property
    def study(self) -> Study:
        """Two classes."""
        return Study(id="explore", name="Explore", classes=("benign", "malignant"), size=self.size)


def run(quick: bool) -> Report:
    """Runs each arm for each seed and measures it on the test pictures."""
    seeds, rounds = (SEEDS[:1], 1) if quick else (SEEDS, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = _source(folder)
        train, test = (list(read_class_folders(source.folder / p)) for p in ("train", "test"))
        pixels, pictures = decoded([*train, *test], source.study, folder / "pictures")
        parts = _part(pictures[: len(train)]), _part(pictures[len(train) :])
        with Workers(1, 1, folder / "logs") as workers:
            # What is frozen makes the same features for every arm: they share a folder.
            laboratory = Laboratory(
                source.study, pixels, workers, folder / "runs", SHARED / "weights"
            )
            found = list(_arms(laboratory, source, parts, seeds, rounds))
    settings = {"data": source.name, "sites": SITES, "rounds": rounds, "seeds": list(seeds)}
    told = {f"found with seed {seed}": own for arm, seed, own, _ in found if arm == SEARCH}
    return Report("explore", _figures(found), settings | told)


def _source(folder: Path) -> Source:
    if (SHARED / "skin_binary").is_dir():
        return Source("skin_binary", SHARED / "skin_binary", FEATURES, 128)
    count = SITES * (TRAIN + JUDGING) + AUDIT
    size = DemoSize(train=count, audit=0, test=400)
    write_demo_set(folder / "drawn", np.random.default_rng(0), size)
    return Source("drawn lesions", folder / "drawn", SMALL, 32)


def _part(pictures: Sequence[Picture | None]) -> list[Picture]:
    return list(site_of("part", pictures).pictures.values())


def _material(study: Study, parts: tuple[list[Picture], list[Picture]], seed: int) -> Material:
    """Ten sites and the audit part, drawn anew for each seed; the test part stays."""
    train, test = parts
    order = np.random.default_rng(seed).permutation(len(train))
    each = TRAIN + JUDGING
    sites = tuple(
        site_of(f"site-{k:02d}", [train[row] for row in order[k * each : (k + 1) * each]])
        for k in range(SITES)
    )
    left = [train[row] for row in order[SITES * each :][:AUDIT]]
    known = {picture.sha256 for picture in train}
    untouched = [picture for picture in test if picture.sha256 not in known]
    return Material(sites, _judging(study, left), _judging(study, untouched))


def _judging(study: Study, pictures: Sequence[Picture]) -> AuditPart:
    return AuditPart(
        [one.row for one in pictures], [study.classes.index(one.label) for one in pictures]
    )


Arm = tuple[str, int, dict[str, Any], dict[str, Any]]
"""An arm, its seed, the best settings that it found, and the report on its last model."""


def _arms(
    laboratory: Laboratory,
    source: Source,
    parts: tuple[list[Picture], list[Picture]],
    seeds: Sequence[int],
    rounds: int,
) -> Iterator[Arm]:
    for seed in seeds:
        material = _material(source.study, parts, seed)
        found: dict[str, Any] = {}
        for arm, changes in ARMS.items():
            own = found if arm == FOUND else changes.get("training", {})
            plan = _plan(source, seed, rounds, changes | {"training": own})
            made = simulate(laboratory, plan, material.sites, audit=material.audit)
            best = _best(made)
            found = best if arm == SEARCH else found
            test = material.test
            report = measure(laboratory, plan, made.model, test.rows, test.labels)
            told = ", ".join(f"{name} {report[name]:.3f}" for name in MEASURES)
            print(f"seed {seed}, {arm}: {told} {best or ''}", file=sys.stderr, flush=True)
            yield arm, seed, best, report


def _plan(source: Source, seed: int, rounds: int, changes: Mapping[str, Any]) -> Plan:
    training = {"epochs": 5, "validation_fraction": JUDGING / (TRAIN + JUDGING)}
    document = {"model": source.model, "rounds": rounds, "seed": seed} | dict(changes)
    return Plan.model_validate(document | {"training": training | changes["training"]})


def _best(made: SimulatedRun) -> dict[str, Any]:
    """The settings of the trial that lay furthest above the middle of its round."""
    pairs = zip(leads(made.trials), made.trials, strict=True)
    scored = [(lead, trial) for lead, trial in pairs if lead is not None]
    if not scored:
        return {}
    return dict(max(scored, key=lambda pair: pair[0])[1].parameters.told)


def _figures(found: Sequence[Arm]) -> list[Figure]:
    values: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for arm, _, _, report in found:
        for measure_ in MEASURES:
            values[arm, measure_].append(float(report[measure_]))
    return [
        Figure(f"{measure_}_{number}", f"{arm}: {measure_.replace('_', ' ')}", tuple(seen))
        for number, arm in enumerate(ARMS, 1)
        for measure_ in MEASURES
        if (seen := values.get((arm, measure_)))
    ]
