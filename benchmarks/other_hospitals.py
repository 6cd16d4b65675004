"""What a recipe for lesions is worth at home, under other cameras, and on other parts of the body.

Five sites train federated on lesions of all parts of the body but the head. The global model is
then measured on three kinds of test pictures that nobody trained on: lesions like those (home);
the same pictures as other cameras would have taken them; and lesions of face, scalp, neck and
ear. Needs the folder `shared/data` beside the project: drawn lesions come from no hospital.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Report
from engines.processes.planning import assign, assignments, checked_plan
from engines.processes.servers import cores
from engines.simulation.laboratory import Laboratory
from engines.simulation.pictures import Picture, decoded
from engines.simulation.simulation import measure, simulate
from engines.simulation.site import SimulatedSite, site_of
from engines.simulation.workers import Workers
from federated.errors import NotFound
from federated.partition import iid
from federated.plan import Plan
from federated.study import Study
from imaging.array_file import PixelArray
from imaging.folders import read_class_folders
from master.plans import ready_made_plans
from master.settings import READY_MADE_PLANS

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
HEAD = frozenset({"face", "scalp", "neck", "ear"})
SITES = 5
SIZE = 128

RECIPES: Mapping[str, str] = MappingProxyType(
    {
        "the preset lesion-mobilenet": "",
        "without flips": "model.flips=false",
        "without white balance": "model.settings.white_balance=false",
        "with neither": "model.flips=false model.settings.white_balance=false",
        "with neither, BatchNorm frozen, learning rate 3e-4": "model.flips=false "
        "model.settings.white_balance=false model.settings.norm=frozen "
        "training.learning_rate=0.0003",
        "with neither, colours changed in training": "model.flips=false "
        "model.settings.white_balance=false training.augmentation.brightness=0.1 "
        "training.augmentation.contrast=0.2 training.augmentation.saturation=0.2 "
        "training.augmentation.hue=0.05",
    }
)
"""Each as what it changes in the preset."""


@dataclass(frozen=True, slots=True)
class Camera:
    """How another camera would have taken a picture.

    Attributes:
        gain: Factors of red, green and blue.
        gamma: Exponent of the brightness, from 0 to 1.
        contrast: Factor of the distance to the picture's own mean.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    contrast: float = 1.0

    def take(self, pictures: np.ndarray) -> np.ndarray:
        """The pictures (n, height, width, 3), uint8, as this camera would have taken them."""
        light = np.clip(pictures / 255.0 * np.array(self.gain), 0, 1) ** self.gamma
        mean = light.mean(axis=(1, 2), keepdims=True)
        taken: np.ndarray = np.clip((light - mean) * self.contrast + mean, 0, 1) * 255
        return taken.astype(np.uint8)


CAMERAS: Mapping[str, Camera] = MappingProxyType(
    {
        "reddish": Camera((1.3, 0.9, 0.6)),
        "bluish": Camera((0.65, 0.9, 1.3)),
        "greenish": Camera((0.85, 1.1, 0.8), gamma=1.1),
        "dark": Camera(gamma=1.7),
        "flat": Camera(contrast=0.55),
        "hard": Camera(gamma=0.7, contrast=1.4),
    }
)


@dataclass(frozen=True, slots=True)
class Lesions:
    """What is trained on and what judges.

    Attributes:
        study: Two classes.
        sites: Those that train.
        judging: For each kind of test pictures rows of the array file and class indices.
    """

    study: Study
    sites: tuple[SimulatedSite, ...]
    judging: Mapping[str, tuple[Sequence[int], Sequence[int]]]


def run(quick: bool) -> Report:
    """Trains each recipe for each seed and measures it on all kinds of test pictures.

    Raises:
        NotFound: The real pictures are not here.
    """
    if not (SHARED / "skin_binary").is_dir():
        raise NotFound("There are no lesions of real hospitals here", expected="shared/data")
    seeds, changes = ((1,), "rounds=1") if quick else ((1, 2), "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels, pictures = _pictures(folder)
        lesions = _lesions(pixels, pictures)
        with Workers(cores(), 1, folder / "logs") as workers:
            found = list(_measured(folder, pixels, lesions, workers, seeds, changes))
    settings = {"data": "skin_binary", "sites": SITES, "seeds": list(seeds), "changed": changes}
    return Report("other_hospitals", _figures(found), settings)


def _pictures(folder: Path) -> tuple[Path, list[tuple[str, str, Picture]]]:
    """The array file, and of each picture its part, its file's name, and itself."""
    parts = [
        (part, found)
        for part in ("train", "test")
        for found in read_class_folders(SHARED / "skin_binary" / part)
    ]
    pixels, pictures = decoded([found for _, found in parts], _study(), folder / "pictures")
    named = zip(parts, pictures, strict=True)
    return pixels, [(part, found.path.name, one) for (part, found), one in named if one]


def _study() -> Study:
    return Study(id="lesions", name="Lesions", classes=("benign", "malignant"), size=SIZE)


def _lesions(pixels: Path, pictures: Sequence[tuple[str, str, Picture]]) -> Lesions:
    study, body = _study(), _part_of_body()
    on_head = [one for _, name, one in pictures if body[name] in HEAD]
    others = {
        part: [one for p, name, one in pictures if p == part and body[name] not in HEAD]
        for part in ("train", "test")
    }
    labels = np.array([study.classes.index(one.label) for one in others["train"]])
    dealt = iid(labels, SITES, np.random.default_rng(0))
    sites = tuple(
        site_of(f"site-{number}", [others["train"][row] for row in rows])
        for number, rows in enumerate(dealt, 1)
    )
    array, home = PixelArray(pixels, study.picture_shape), others["test"]
    judging = {"home": [one.row for one in home], "head": [one.row for one in on_head]}
    seen = np.stack([array.open()[one.row] for one in home])
    judging |= {name: list(array.append(camera.take(seen))) for name, camera in CAMERAS.items()}
    known = {kind: on_head if kind == "head" else home for kind in judging}
    return Lesions(
        study,
        sites,
        {
            kind: (rows, [study.classes.index(one.label) for one in known[kind]])
            for kind, rows in judging.items()
        },
    )


def _part_of_body() -> dict[str, str]:
    with (SHARED / "skin_ham7" / "labels.csv").open(newline="") as table:
        return {row["file"]: row["localization"] for row in csv.DictReader(table)}


def _measured(
    folder: Path,
    pixels: Path,
    lesions: Lesions,
    workers: Workers,
    seeds: Sequence[int],
    changes: str,
) -> Iterator[tuple[str, str, float]]:
    """Recipe, kind of test pictures, and the area under the ROC curve, for each seed."""
    for seed in seeds:
        trained: dict[str, Any] = {}
        for recipe, differs in RECIPES.items():
            plan = _plan(f"{differs} {changes} seed={seed}")
            alike = plan.model_copy(
                update={"model": plan.model.model_copy(update={"flips": False})}
            ).sha256
            place = folder / alike
            laboratory = Laboratory(lesions.study, pixels, workers, place, SHARED / "weights")
            if alike not in trained:
                trained[alike] = simulate(laboratory, plan, lesions.sites).model
            for kind, (rows, labels) in lesions.judging.items():
                report = measure(laboratory, plan, trained[alike], rows, labels)
                yield recipe, kind, float(report["auc"])


def _plan(changes: str) -> Plan:
    document = ready_made_plans(READY_MADE_PLANS)["lesion-mobilenet"].plan.model_dump(mode="json")
    document["training"]["validation_fraction"] = 0.0
    for field, text in assignments(changes):
        assign(document, field, text)
    return checked_plan(document)


def _figures(found: Sequence[tuple[str, str, float]]) -> list[Figure]:
    kinds = {"home": ("home",), "other cameras": tuple(CAMERAS), "head": ("head",)}
    figures = []
    for number, recipe in enumerate(RECIPES, 1):
        for kind, members in kinds.items():
            values = tuple(auc for one, seen, auc in found if one == recipe and seen in members)
            name = f"{kind.replace(' ', '_')}_{number}"
            figures.append(Figure(name, f"{recipe}: {kind}", values))
    return figures
