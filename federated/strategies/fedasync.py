"""Asynchronous federated optimisation: each update is mixed in as it comes.

References:
    C. Xie, S. Koyejo, I. Gupta, "Asynchronous Federated Optimization", OPT 2020,
    algorithm 1. https://arxiv.org/abs/1903.03934
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.signature import TensorSpec
from federated.strategies.fedavg import add_scaled, require_updates
from federated.strategies.round import Outcome, RoundFacts, shares_of
from federated.strategies.staleness import Staleness, discount


class FedAsyncSettings(Staleness):
    """Settings of FedAsync.

    Attributes:
        alpha: Share of an update that is not stale in the new global weights.
    """

    alpha: Annotated[float, Field(gt=0, le=1)] = 0.6


def fedasync(facts: RoundFacts) -> Outcome:
    """W ← (1 − αₜ) W + αₜ Wᵢ, with αₜ = α · discount(staleness), one update after the other.

    BatchNorm's moving statistics are mixed like any tensor: a mean of variances stays one.
    The number of examples does not count, as in the paper.

    Raises:
        NotEnoughUpdates: There is no update.
    """
    require_updates(facts.contributions)
    settings = FedAsyncSettings.model_validate(dict(facts.settings))
    rates = [settings.alpha * discount(c.staleness, settings) for c in facts.contributions]
    # What a later update leaves of an earlier one.
    shares = [
        rate * math.prod(1 - later for later in rates[number + 1 :])
        for number, rate in enumerate(rates)
    ]
    weights = {spec.name: _mixed(facts, spec, shares) for spec in facts.signature.tensors}
    return Outcome(weights=weights, shares=shares_of(facts.contributions, shares))


def _mixed(facts: RoundFacts, spec: TensorSpec, shares: list[float]) -> np.ndarray:
    """(1 − Σ shareᵢ) W + Σ shareᵢ Wᵢ for one tensor, summed in float64."""
    total = np.zeros(spec.shape, dtype=np.float64)
    add_scaled(total, facts.previous.get_tensor(spec.name), 1.0 - sum(shares))
    for contribution, share in zip(facts.contributions, shares, strict=True):
        add_scaled(total, contribution.weights.get_tensor(spec.name), share)
    return total.astype(spec.dtype)
