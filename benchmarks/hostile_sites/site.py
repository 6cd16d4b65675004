"""One node: its pictures, its honest training, and what it sends instead where it is hostile."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.connection import Answer
from benchmarks.light_work import refused
from benchmarks.odd_sites.attacks import ATTACKS, noisy, unchanged
from benchmarks.odd_sites.heads import Recipe, Weights, probabilities, train
from federated.messages import Task
from federated.wire import UpdateDocument, encode_update

HONEST_ROUNDS = 1
"""Rounds in which all are honest: a replay needs an update to repeat."""

VALIDATION = 0.2
"""Share of a node's pictures that only judge."""

OF_WEIGHTS = dict(ATTACKS) | {"zero": unchanged, "inflated": noisy}
"""Attacks that are worked out from the node's own weights."""

KINDS = ("random", "flipped", "scaled", "zero", "replay", "copy", "inflated", "labels")
"""All attacks; `labels` is training on wrong labels, `copy` takes the first honest node's."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Features and classes of one node: float (n, width) and int (n,)."""

    x: np.ndarray
    y: np.ndarray


@dataclass
class Neighbours:
    """What the hostile nodes have got to know of one honest node's updates, by round."""

    sent: dict[int, Weights] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def of_round(self, number: int) -> Weights:
        """That node's update, as soon as the master has it."""
        async with self.news:
            await self.news.wait_for(lambda: number in self.sent)
        return self.sent[number]


class Site:
    """What a light node does: trains a head on features as a recipe says, or attacks.

    Args:
        classes: Names of the classes.
        pictures: What it holds; a part of them only judges.
        recipe: How it trains.
        attack: What it sends after the honest rounds; None for an honest node.
        neighbours: What it tells, or knows, of the first honest node.
        is_first: Whether it is that node.
        rng: Source of every choice.
    """

    def __init__(
        self,
        classes: Sequence[str],
        pictures: Pictures,
        recipe: Recipe,
        attack: str | None,
        neighbours: Neighbours,
        is_first: bool,
        rng: np.random.Generator,
    ) -> None:
        judging = round(VALIDATION * len(pictures.y))
        order = rng.permutation(len(pictures.y))
        self._train, self._judge = (
            _part(pictures, order[judging:]),
            _part(pictures, order[:judging]),
        )
        self._counts = {name: int((pictures.y == k).sum()) for k, name in enumerate(classes)}
        self._recipe, self._rng = recipe, rng
        self._attack = attack
        self._neighbours, self._is_first = neighbours, is_first
        self._honest: Weights = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """All its pictures."""
        return self._counts

    async def update(self, task: Task, start: Mapping[str, np.ndarray]) -> bytes:
        """The update of a task: honest, or what the attack makes of it."""
        attack = self._attack if task.round > HONEST_ROUNDS else None
        sent = await self._weights(attack, task.round, dict(start))
        if attack is None:
            self._honest = sent
        claims = self._figures(sent)
        if attack == "inflated":
            # Of as many pictures as it may judge by: more would be refused unread.
            claims = dict(claims) | {"val_accuracy": 1.0}
        document = UpdateDocument(
            task=task.id,
            base=task.weights,
            num_examples=len(self._train.y),
            num_steps=self._recipe.epochs * math.ceil(len(self._train.y) / self._recipe.batch),
            metrics=dict(claims),
        )
        return encode_update(sent, document)

    def answered(self, task: Task, answer: Answer) -> None:
        """Tells the others what it has sent; only an attack may be refused.

        Raises:
            FederationError: An honest update was refused.
        """
        if self._attack is None and answer.status >= 400:
            raise refused(f"the honest update of {task.id}", answer)
        if self._is_first:
            self._neighbours.sent[task.round] = self._honest
            asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self._neighbours.news:
            self._neighbours.news.notify_all()

    async def _weights(self, attack: str | None, number: int, start: Weights) -> Weights:
        if attack == "copy":
            return await self._neighbours.of_round(number)
        if attack == "replay":
            return self._honest
        trained = self._trained(start, shift=1 if attack == "labels" else 0)
        if attack in OF_WEIGHTS:
            return OF_WEIGHTS[attack](start, trained, self._rng)
        return trained

    def _trained(self, start: Weights, shift: int) -> Weights:
        names = layer_names(start)
        labels = (self._train.y + shift) % len(self._counts)
        own = {ours: start[theirs] for ours, theirs in names.items()}
        found = train(own, self._train.x, labels, self._recipe, self._rng)
        return {theirs: found[ours] for ours, theirs in names.items()}

    def _figures(self, weights: Weights) -> dict[str, float]:
        """What it measures itself; nothing where it has no pictures to judge."""
        if not len(self._judge.y):
            return {}
        own = {ours: weights[theirs] for ours, theirs in layer_names(weights).items()}
        answers = probabilities(own, self._judge.x).argmax(axis=1)
        right = float((answers == self._judge.y).mean())
        return {"val_accuracy": right, "val_examples": float(len(answers))}


def layer_names(weights: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The names of a dense layer's tensors in the model, by ours."""
    return {
        f"layer0/{'kernel' if array.ndim == 2 else 'bias'}": name for name, array in weights.items()
    }


def _part(pictures: Pictures, rows: np.ndarray) -> Pictures:
    return Pictures(pictures.x[rows], pictures.y[rows])
