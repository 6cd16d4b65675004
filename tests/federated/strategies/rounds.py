"""Rounds of one or two small tensors, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from federated.signature import Signature, TensorSpec
from federated.strategies import RULES, Contribution, Outcome, RoundFacts
from tests.federated.blobs import Arrays

SYNCHRONOUS = tuple(name for name in RULES if name not in ("fedasync", "fedbuff"))
ROBUST = ("median", "trimmed_mean", "krum", "multi_krum", "bulyan", "geometric_median")
BY_EXAMPLES = ("fedavg", "fedprox", "best_k", "fedavgm", "fedadam", "fedyogi", "fedadagrad")

WEIGHT = TensorSpec(name="w", shape=(2,), dtype="float64")
VARIANCE = TensorSpec(name="v", shape=(1,), dtype="float64", trainable=False, role="statistic")


def update(node: str, num_examples: int, w: Sequence[float], v: float = 1.0, **facts: Any) -> Any:
    """An update of the two tensors, with control variates of zero unless others are given."""
    weights = Arrays({"w": np.array(w, dtype=np.float64), "v": np.array([v])})
    facts = {"num_steps": 1, "extra": control((0.0, 0.0)), "score": 0.5} | facts
    return Contribution(node, num_examples, weights=weights, **facts)


def control(change: Sequence[float]) -> Arrays:
    return Arrays({"control/w": np.array(change, dtype=np.float64)})


def facts_of(
    updates: Sequence[Contribution],
    before: Sequence[float] = (0.0, 0.0),
    *,
    state: Mapping[str, np.ndarray] | None = None,
    nodes: int = 0,
    number: int = 1,
    **settings: Any,
) -> RoundFacts:
    previous = Arrays({"w": np.array(before, dtype=np.float64), "v": np.array([1.0])})
    signature = Signature(tensors=(WEIGHT, VARIANCE))
    return RoundFacts(
        number, signature, previous, tuple(updates), settings, state or {}, nodes=nodes
    )


def aggregate(name: str, *updates: Contribution, **facts: Any) -> Outcome:
    """What a rule makes of these updates; see `facts_of` for the rest."""
    return RULES[name].aggregate(facts_of(updates, **facts))


def crowd(rng: np.random.Generator, number: int, spread: float = 1.0) -> list[Contribution]:
    """Updates around (5, -5) with unequal examples, steps and scores."""
    return [
        update(
            f"site-{place:03}",
            3 * place + 1,
            rng.normal((5, -5), spread),
            float(rng.uniform(0.5, 2)),
            num_steps=place % 4 + 1,
            score=float(rng.uniform()),
            extra=control(rng.normal(size=2)),
        )
        for place in range(number)
    ]
