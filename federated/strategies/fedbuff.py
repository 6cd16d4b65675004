"""Buffered asynchronous aggregation: k updates, whatever they began from, make one step.

References:
    J. Nguyen et al., "Federated Learning with Buffered Asynchronous Aggregation",
    AISTATS 2022, algorithm 1. https://arxiv.org/abs/2106.06639
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from federated.signature import TensorSpec
from federated.strategies.fedavg import add_scaled, require_updates, scaled_sum
from federated.strategies.round import Contribution, Outcome, RoundFacts, shares_of
from federated.strategies.staleness import Staleness, discount


class FedBuffSettings(Staleness):
    """Settings of FedBuff.

    Attributes:
        buffer: Updates that make one step of the global model (the paper's K).
        server_lr: Step size of the server (the paper's η_g).
    """

    buffer: Annotated[int, Field(ge=1, le=100_000)] = 3
    server_lr: Annotated[float, Field(gt=0, le=10)] = 1.0


def fedbuff(facts: RoundFacts) -> Outcome:
    """W ← W + η · (1/k) Σ discountᵢ (Wᵢ − Bᵢ), with Bᵢ the weights that update i began from.

    Tensors that no optimiser moves, such as BatchNorm's moving statistics, take the mean of
    the updates' own, by discount: a variance built from differences could turn negative.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    updates = facts.contributions
    require_updates(updates)
    settings = FedBuffSettings.model_validate(dict(facts.settings))
    discounts = [discount(update.staleness, settings) for update in updates]
    total = sum(discounts)
    weights = {
        spec.name: _stepped(facts, spec, [settings.server_lr * d / len(updates) for d in discounts])
        if spec.trainable
        else _mean(updates, spec, [d / total for d in discounts])
        for spec in facts.signature.tensors
    }
    return Outcome(weights=weights, shares=shares_of(updates, [d / total for d in discounts]))


def _stepped(facts: RoundFacts, spec: TensorSpec, scales: list[float]) -> np.ndarray:
    total = np.zeros(spec.shape, dtype=np.float64)
    add_scaled(total, facts.previous.get_tensor(spec.name), 1.0)
    for update, scale in zip(facts.contributions, scales, strict=True):
        base = update.base or facts.previous
        add_scaled(total, update.weights.get_tensor(spec.name), scale)
        add_scaled(total, base.get_tensor(spec.name), -scale)
    return total.astype(spec.dtype)


def _mean(updates: tuple[Contribution, ...], spec: TensorSpec, scales: list[float]) -> np.ndarray:
    return scaled_sum(updates, scales, spec).astype(spec.dtype)
