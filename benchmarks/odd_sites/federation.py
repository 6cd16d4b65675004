"""Rounds of a few sites whose updates the master's own audit judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.odd_sites.attacks import ATTACKS
from benchmarks.odd_sites.heads import Recipe, Weights, fresh, probabilities, train
from federated.partition import partitioner
from federated.plan import AuditPolicy
from federated.signature import signature_of
from federated.training import Training
from master.audit.copied import Earlier, check_copied
from master.audit.finding import Finding, verdict_of
from master.audit.mirror import Errors, check_mirror, is_suspect, speaks_for
from master.audit.norm import steps_of
from master.audit.sketch import Sketch, sketch_of
from master.audit.together import Candidate, compare

LABELS = "labels"
REPLAY = "replay"
COPY = "copy"
KINDS = (*ATTACKS, LABELS, REPLAY, COPY)
"""What a dishonest site may send."""

LEAST = 10
"""Pictures of the smallest site: the default of `privacy.min_examples`."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Frozen features and classes: of the sites, and of the master's audit part."""

    x: np.ndarray
    y: np.ndarray
    audit_x: np.ndarray
    audit_y: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on one update.

    Attributes:
        kind: What was sent; None for an honest update.
        rejected: Whether it was rejected.
        reasons: The sentences.
    """

    kind: str | None
    rejected: bool
    reasons: tuple[str, ...]


class _Reader:
    """Arrays as the audit reads them."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def keys(self) -> list[str]:
        return list(self._weights)

    def get_tensor(self, name: str) -> np.ndarray:
        return self._weights[name]


def odd_sites(
    y: np.ndarray, partition: str, sites: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Pictures of each site by a partition, with one of ten pictures and one of a single class.

    Args:
        y: Classes of all pictures, int (n,).
        partition: As `--partition` takes it.
        sites: Sites that are dealt to; those with fewer than `LEAST` take no part.
        rng: Source of every choice.
    """
    parts = [np.asarray(part) for part in partitioner(partition)(y, sites, rng)]
    parts = [part for part in parts if len(part) >= LEAST]
    last = parts[-2]
    parts[-2] = last[y[last] == np.bincount(y[last]).argmax()]
    parts[-1] = parts[-1][:LEAST]
    return parts


class Federation:
    """A federation under audit.

    Args:
        pictures: All pictures.
        parts: Rows of each site.
        recipe: How the sites train.
        policy: The audit's thresholds.
        rng: Source of every choice.
    """

    def __init__(
        self,
        pictures: Pictures,
        parts: Sequence[np.ndarray],
        recipe: Recipe,
        policy: AuditPolicy,
        rng: np.random.Generator,
    ) -> None:
        self._pictures, self._parts, self._recipe = pictures, parts, recipe
        self._policy, self._rng = policy, rng
        self.weights = fresh(pictures.x.shape[1], pictures.classes, recipe.hidden, rng)
        self._signature = signature_of(self.weights)
        self._earlier: list[Earlier] = []
        self._sent: list[Weights] = []
        self.number = 0

    def round(self, kinds: Sequence[str] = ()) -> Iterator[Judged]:
        """The verdicts of one round: of the honest updates, then with one site that sends `kinds`.

        The next round goes on from the honest updates that were accepted.
        """
        self.number += 1
        honest = [self._train(site) for site in range(len(self._parts))]
        figures = [self._figures(weights) for weights in honest]
        accepted = []
        for site, judged in enumerate(self._judge(honest, figures, {})):
            yield judged
            if not judged.rejected:
                accepted.append(site)
        for kind in kinds:
            yield from self._attacked(kind, honest, figures)
        self._earlier += [
            Earlier(f"n{site}", f"n{site}", self.number, self._sketch(weights))
            for site, weights in enumerate(honest)
        ]
        self._sent = honest
        self.weights = self._mean([honest[site] for site in accepted], accepted) or self.weights

    def _attacked(
        self, kind: str, honest: Sequence[Weights], figures: Sequence[Mapping[str, float]]
    ) -> Iterator[Judged]:
        # Neither the site of ten pictures nor that of one class, nor one with nobody before it.
        site = int(self._rng.integers(1, len(honest) - 2))
        if kind == REPLAY and not self._sent:
            return
        sent, told = list(honest), list(figures)
        sent[site] = self._dishonest(kind, site, honest)
        told[site] = self._figures(sent[site])
        yield list(self._judge(sent, told, {site: kind}))[site]

    def _dishonest(self, kind: str, site: int, honest: Sequence[Weights]) -> Weights:
        if kind == LABELS:
            return self._train(site, shift=1)
        if kind == REPLAY:
            return self._sent[site]
        if kind == COPY:
            # Of a neighbour whose update came before.
            return honest[site - 1]
        return ATTACKS[kind](self.weights, honest[site], self._rng)

    def _train(self, site: int, shift: int = 0) -> Weights:
        rows = self._parts[site]
        y = (self._pictures.y[rows] + shift) % self._pictures.classes
        return train(self.weights, self._pictures.x[rows], y, self._recipe, self._rng)

    def _judge(
        self,
        sent: Sequence[Weights],
        figures: Sequence[Mapping[str, float]],
        kinds: Mapping[int, str],
    ) -> Iterator[Judged]:
        sketches = [self._sketch(weights) for weights in sent]
        start = self._figures(self.weights)
        errors = [self._errors(weights, self._counts(site)) for site, weights in enumerate(sent)]
        found = compare(
            [
                Candidate(
                    f"t{site}",
                    f"n{site}",
                    sketch,
                    told,
                    self._counts(site),
                    self._steps(site),
                    node=f"n{site}",
                    slot=f"node/n{site}",
                    is_harmless=speaks_for(errors[site], self._counts(site)),
                )
                for site, (sketch, told) in enumerate(zip(sketches, figures, strict=True))
            ],
            start,
            self._policy,
        )
        for site, sketch in enumerate(sketches):
            findings: list[Finding] = found[f"t{site}"]
            copied = check_copied(sketch, f"n{site}", self._earlier, self._policy)
            mirror = check_mirror(errors[site], self._counts(site), self._policy)
            verdict = verdict_of([copied, mirror, *findings], figures[site])
            yield Judged(kinds.get(site), not verdict.accepted, verdict.reasons)

    def _errors(self, weights: Weights, counts: Mapping[str, int]) -> Errors:
        labels = tuple(str(label) for label in self._pictures.audit_y)
        errors = Errors(labels, self._scores(self.weights), self._scores(weights))
        if is_suspect(errors, counts):
            turned = {name: 2 * self.weights[name] - array for name, array in weights.items()}
            errors = errors.with_mirror(self._scores(turned))
        return errors

    def _scores(self, weights: Weights) -> np.ndarray:
        """Quadratic score of each audit picture's probabilities."""
        answers = probabilities(weights, self._pictures.audit_x)
        right = np.eye(self._pictures.classes)[self._pictures.audit_y]
        scores: np.ndarray = np.square(answers - right).sum(axis=1)
        return scores

    def _sketch(self, weights: Weights) -> Sketch:
        before, after = _Reader(self.weights), _Reader(weights)
        return sketch_of(after, before, self._signature, "a secret")[0]

    def _counts(self, site: int) -> dict[str, int]:
        counted = Counter(int(label) for label in self._pictures.y[self._parts[site]])
        return {str(label): count for label, count in counted.items()}

    def _steps(self, site: int) -> int:
        training = Training(epochs=self._recipe.epochs, batch_size=self._recipe.batch)
        return steps_of(len(self._parts[site]), training)

    def _figures(self, weights: Weights) -> dict[str, float]:
        answers = probabilities(weights, self._pictures.audit_x)
        labels = self._pictures.audit_y
        kinds = [1] if self._pictures.classes == 2 else range(self._pictures.classes)
        areas = [_auc(labels == kind, answers[:, kind]) for kind in kinds]
        return {
            "accuracy": float((answers.argmax(axis=1) == labels).mean()),
            "auc": float(np.mean(areas)),
        }

    def _mean(self, sent: Sequence[Weights], sites: Sequence[int]) -> Weights:
        sizes = np.array([len(self._parts[site]) for site in sites], dtype=np.float64)
        if not len(sizes):
            return {}
        return {
            name: np.tensordot(
                sizes / sizes.sum(), np.stack([one[name] for one in sent]), 1
            ).astype(np.float32)
            for name in self.weights
        }


def _auc(is_class: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney 1947); equal scores are too rare here."""
    ranks = np.argsort(np.argsort(score)) + 1.0
    found, others = int(is_class.sum()), int((~is_class).sum())
    above = ranks[is_class].sum() - found * (found + 1) / 2
    return float(above / (found * others))
