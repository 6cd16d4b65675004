"""FedAvgM: the server goes on in the direction of earlier rounds.

References:
    T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data Distribution for
    Federated Visual Classification", 2019. https://arxiv.org/abs/1909.06335
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from federated.signature import TensorSpec
from federated.strategies.round import Outcome, RoundFacts
from federated.strategies.server_state import State, kept, optimised
from federated.values import Value


class FedAvgMSettings(Value):
    """Settings of FedAvgM.

    Attributes:
        momentum: How much of the last step is taken again (the paper's β).
        server_lr: Step size of the server; 1 in the paper.
    """

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    server_lr: Annotated[float, Field(gt=0, le=10)] = 1.0


def fedavgm(facts: RoundFacts) -> Outcome:
    """W ← W + η v, after v ← β v + Δ, with Δ the mean by examples of Wᵢ − W; v is at first 0.

    State: `momentum/<tensor>` for each trainable tensor, float64. Statistics are averaged by
    examples.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAvgMSettings.model_validate(dict(facts.settings))

    def step(spec: TensorSpec, change: np.ndarray, state: State) -> np.ndarray:
        name = f"momentum/{spec.name}"
        state[name] = settings.momentum * kept(facts, name, spec) + change
        return settings.server_lr * state[name]

    return optimised(facts, step)
