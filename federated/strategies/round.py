"""What a strategy is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from federated.plan import Setting
from federated.signature import Signature
from federated.training import Training
from federated.wire import TensorReader


@dataclass(frozen=True, slots=True)
class Contribution:
    """One accepted update.

    Attributes:
        node: Name of the node; contributions are taken in this order.
        num_examples: Pictures of its training part; at least 1.
        num_steps: Optimiser steps that it took.
        weights: Its weights after training, read tensor by tensor.
        staleness: Versions that the global model has moved on by since it began; 0 in a
            synchronous round.
        base: The weights that it began from; None where those are the round's own.
        score: Accuracy that the master measured on its audit pictures, 0 to 1; None where it
            has measured none.
        extra: What the rule needs besides: the update's tensors under `extra/`, by their names
            without that prefix; None where it carries none.
        training: How it was trained; None where that is not known.
    """

    node: str
    num_examples: int
    num_steps: int
    weights: TensorReader
    staleness: int = 0
    base: TensorReader | None = None
    score: float | None = None
    extra: TensorReader | None = None
    training: Training | None = None


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """Everything that a strategy may know; the same facts give the same bytes.

    Attributes:
        number: The round's number, from 1.
        signature: Names, shapes, dtypes and roles of the tensors.
        previous: The global weights that the round started from.
        contributions: The accepted updates; in an asynchronous run in the order in which
            they were accepted.
        settings: The strategy's own settings from the plan.
        state: What the strategy itself returned from the round before; empty in round 1.
        nodes: Nodes that could have taken part in the round, of which those that did are a
            sample; 0 where that is not known.
    """

    number: int
    signature: Signature
    previous: TensorReader
    contributions: tuple[Contribution, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    state: Mapping[str, np.ndarray] = field(default_factory=dict)
    nodes: int = 0

    @property
    def ordered(self) -> list[Contribution]:
        """The contributions in order of node name, so that sums repeat to the last bit."""
        return sorted(self.contributions, key=lambda contribution: contribution.node)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round makes of its updates.

    Attributes:
        weights: The new global weights, in the signature's order and dtypes.
        shares: For each node the weight that its update had, 0 for one that the rule left out;
            what is missing to 1, in an asynchronous run, is the share that the previous weights
            kept.
        state: What the strategy wants back in the next round.
    """

    weights: dict[str, np.ndarray]
    shares: dict[str, float]
    state: dict[str, np.ndarray] = field(default_factory=dict)


Strategy = Callable[[RoundFacts], Outcome]


def shares_of(updates: Sequence[Contribution], scales: Sequence[float]) -> dict[str, float]:
    """Each node's share: that of its update, or of all its updates together."""
    shares: dict[str, float] = {}
    for update, scale in zip(updates, scales, strict=True):
        shares[update.node] = shares.get(update.node, 0.0) + scale
    return shares
