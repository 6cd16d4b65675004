"""The pictures of a comparison, and who gets which of them in a case."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from engines.compare.folds import folds_of, joined
from engines.compare.question import Case, Way
from engines.processes.dataset import Dataset, deal_out, pictures_needed
from engines.processes.errors import WrongOption
from engines.simulation.pictures import Picture
from engines.simulation.search import goes_by_scores
from engines.simulation.site import SimulatedSite, site_of
from federated.plan import Plan
from federated.study import Study
from federated.values import Sha256, sha256_of
from imaging.folders import Found
from master.pretrained import IMAGENET

ALL = "all"
"""The site that holds everything, where all pictures are together."""


@dataclass(frozen=True, slots=True)
class Material:
    """A data set as it is compared.

    Attributes:
        study: The classification problem.
        dataset: The files.
        folder: The data set's folder, where a partition by a column finds its values.
        pictures: The picture of each file, by the file's stamp; refused files are missing.
        weights: Hashes of the files of weights that plans name, by name.
    """

    study: Study
    dataset: Dataset
    folder: Path
    pictures: Mapping[str, Picture]
    weights: Mapping[str, Sha256] = field(default_factory=dict)

    def of(self, found: Found) -> Picture | None:
        """The picture of a file; None for one that was refused."""
        return self.pictures.get(found.stamp)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case with its pictures.

    Attributes:
        case: The case.
        sites: Who trains on what.
        test: Pictures that judge.
        audit: The master's audit pictures, for plans that go by them; none of them trains or
            tests here.
    """

    case: Case
    sites: tuple[SimulatedSite, ...]
    test: tuple[Picture, ...]
    audit: tuple[Picture, ...] = ()

    @property
    def work(self) -> int:
        """Pictures that will be seen in training, over all sites, rounds and epochs."""
        training = self.case.plan.training
        once = sum(sum(counts.values()) for counts in self.holdings.values())
        return once * training.epochs * self.case.plan.rounds

    @property
    def holdings(self) -> dict[str, dict[str, int]]:
        """For each site the pictures that train, by class."""
        fraction, seed = self.case.plan.training.validation_fraction, self.case.plan.seed
        classes = self.case.study.classes
        counted = {}
        for site in self.sites:
            train, _ = site.split(self.case.study, fraction, seed)
            counts = Counter(train.labels)
            counted[site.name] = {name: counts[place] for place, name in enumerate(classes)}
        return counted


def without_test(dataset: Dataset, pictures: Mapping[str, Picture]) -> Dataset:
    """The data set without those training pictures whose pixels are a test picture's.

    Args:
        dataset: The files.
        pictures: The picture of each file, by the file's stamp.
    """
    known = [pictures.get(found.stamp) for found in dataset.test]
    test = {picture.sha256 for picture in known if picture}
    kept = (
        found
        for found in dataset.train
        if (picture := pictures.get(found.stamp)) is None or picture.sha256 not in test
    )
    return replace(dataset, train=tuple(kept))


def judged_parts(
    material: Material, folds: int | None, seed: int
) -> Iterator[tuple[int | None, Dataset]]:
    """The data set, or, in a cross-validation, each fold's: who trains, who judges.

    A cross-validation deals with the part `train` alone: what is kept aside as `test` stays so.
    Pictures with the same pixels judge in the same fold.

    Raises:
        WrongOption: There is nothing to judge by.
        InvalidInput: A class has fewer pictures, or patients, than there are folds.
    """
    if folds is None:
        if not material.dataset.test:
            raise WrongOption(
                "There is nothing to judge the models by",
                expected="a folder test beside the folder train, or --folds",
            )
        yield None, material.dataset
        return
    train = material.dataset.train
    labels = np.array([material.dataset.classes.index(found.label) for found in train])
    groups = joined([found.group for found in train], [_identity(material, one) for one in train])
    fold = folds_of(labels, groups, folds, seed)
    for number in range(folds):
        yield (
            number + 1,
            replace(
                material.dataset,
                train=tuple(train[k] for k in np.flatnonzero(fold != number)),
                test=tuple(train[k] for k in np.flatnonzero(fold == number)),
            ),
        )


def prepare(
    material: Material, way: Way, children: int, fold: int | None, dataset: Dataset
) -> Prepared:
    """Deals the pictures out as the way says; what tests trains nowhere.

    Raises:
        InvalidInput: The partition leaves a site too few pictures.
    """
    dataset = without_test(dataset, material.pictures)
    sites = tuple(_sites(material, way, children, dataset))
    test = tuple(site_of("test", map(material.of, dataset.test)).pictures.values())
    audit = _audit(material, way.plan, dataset, {*test, *_pictures_of(sites)})
    held = [[site.name, _as_told(site.pictures.values(), site.groups)] for site in sites]
    told = [held, _as_told(test), _as_told(audit)] if audit else [held, _as_told(test)]
    case = Case(
        kind=way.kind,
        partition=way.partition,
        variation=way.variation,
        fold=fold,
        study=material.study,
        plan=way.plan,
        pictures=sha256_of(told),
        weights=material.weights.get(way.plan.model.weights or ""),
    )
    return Prepared(case, sites, test, audit)


def _audit(
    material: Material, plan: Plan, dataset: Dataset, others: Collection[Picture]
) -> tuple[Picture, ...]:
    """The audit pictures of a plan that goes by them, but for those that others have."""
    if not goes_by_scores(plan):
        return ()
    known = {picture.sha256 for picture in others}
    audit = site_of("audit", map(material.of, dataset.audit)).pictures
    return tuple(picture for sha256, picture in audit.items() if sha256 not in known)


def _pictures_of(sites: Iterable[SimulatedSite]) -> Iterator[Picture]:
    return (picture for site in sites for picture in site.pictures.values())


def _identity(material: Material, found: Found) -> str:
    picture = material.of(found)
    return picture.sha256 if picture else found.stamp


def hashes_of_weights(plans: Iterable[Plan], folder: Path) -> dict[str, Sha256]:
    """The SHA-256 of each file of weights that a plan begins from, by its name.

    Args:
        plans: Their files are there; weights that Keras downloads are no file of the folder.
        folder: The folder of pretrained weights.
    """
    names = {plan.model.weights for plan in plans} - {None, IMAGENET}
    hashes = {}
    for name in sorted(filter(None, names)):
        with (folder / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _as_told(
    pictures: Iterable[Picture], groups: Mapping[str, str] | None = None
) -> list[list[str]]:
    """Pictures with their classes, and with their groups where they have one, by their names."""
    of = groups or {}
    return sorted(
        [one.sha256, one.label] + ([of[one.sha256]] if one.sha256 in of else []) for one in pictures
    )


def _sites(
    material: Material, way: Way, children: int, dataset: Dataset
) -> Iterator[SimulatedSite]:
    if way.partition is None:
        yield site_of(ALL, map(material.of, dataset.train))
        return
    names = [f"site-{number}" for number in range(1, children + 1)]
    least = pictures_needed(way.plan, len(material.study.classes))
    dealt = deal_out(dataset, names, way.partition, way.plan.seed, least, material.folder)
    for name, found in dealt.items():
        yield site_of(name, map(material.of, found))
