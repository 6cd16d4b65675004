"""Federated averaging of a model of one weight, small enough to do by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from federated.signature import signature_of
from federated.strategies import Contribution, RoundFacts
from federated.strategies.fedavg import fedavg
from webapp.lesson.tensors import Tensors

WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the average makes of the sites.

    Attributes:
        mean: The new global weight.
        shares: The weight of each site in the mean; they sum to 1.
    """

    mean: float
    shares: Mapping[str, float]


def average(sites: Mapping[str, tuple[int, float]]) -> ByHand:
    """One round of federated averaging, by the very function that the master uses.

    Args:
        sites: By name: number of examples (at least 1), and the value of the weight.
    """
    contributions = tuple(
        Contribution(node=name, num_examples=examples, num_steps=1, weights=_model(value))
        for name, (examples, value) in sites.items()
    )
    start = _model(0.0)
    outcome = fedavg(RoundFacts(1, signature_of(start.weights), start, contributions))
    return ByHand(float(outcome.weights[WEIGHT][0]), outcome.shares)


def _model(value: float) -> Tensors:
    return Tensors({WEIGHT: np.array([value])})
