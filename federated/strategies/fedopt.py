"""FedAdagrad, FedAdam and FedYogi: each weight has a step size of its own, by earlier changes.

The three are one algorithm and differ only in how the second moment moves: FedAdagrad's adds up
all changes since the run began, FedAdam's goes by the last rounds, and FedYogi's is like FedAdam's
but recovers slowly from large changes.

References:
    S. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konečný, S. Kumar, H. B. McMahan,
    "Adaptive Federated Optimization", ICLR 2021, algorithm 2. https://arxiv.org/abs/2003.00295
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from pydantic import Field

from federated.signature import TensorSpec
from federated.strategies.round import Outcome, RoundFacts
from federated.strategies.server_state import State, kept, optimised
from federated.values import Value

Beta = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=10)]
Divisor = Annotated[float, Field(gt=0, le=1)]

SecondMoment = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The new second moment, of the old one and of the squared change."""


class FedAdagradSettings(Value):
    """Settings of FedAdagrad, which in the paper's experiments has no first moment.

    Attributes:
        server_lr: Step size of the server (the paper's η).
        beta_1: How much of the first moment is kept.
        tau: Least divisor: the larger, the closer to plain steps (the paper's τ).
    """

    server_lr: Rate = 0.1
    beta_1: Beta = 0.0
    tau: Divisor = 1e-3


class FedAdamSettings(Value):
    """Settings of FedAdam, and of FedYogi.

    Attributes:
        server_lr: Step size of the server (the paper's η).
        beta_1: How much of the first moment is kept.
        beta_2: How much of the second moment is kept.
        tau: Least divisor: the larger, the closer to plain steps (the paper's τ).
    """

    server_lr: Rate = 0.01
    beta_1: Beta = 0.9
    beta_2: Beta = 0.99
    tau: Divisor = 1e-3


def fedadagrad(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← v + Δ².

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAdagradSettings.model_validate(dict(facts.settings))
    return adapted(facts, settings, lambda v, square: v + square)


def fedadam(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← β₂ v + (1 − β₂) Δ².

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAdamSettings.model_validate(dict(facts.settings))
    beta = settings.beta_2
    return adapted(facts, settings, lambda v, square: beta * v + (1 - beta) * square)


def fedyogi(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← v − (1 − β₂) Δ² sign(v − Δ²).

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAdamSettings.model_validate(dict(facts.settings))
    rate = 1 - settings.beta_2
    return adapted(facts, settings, lambda v, square: v - rate * square * np.sign(v - square))


def adapted(
    facts: RoundFacts, settings: FedAdagradSettings | FedAdamSettings, second: SecondMoment
) -> Outcome:
    """W ← W + η m / (√v + τ), after m ← β₁ m + (1 − β₁) Δ and v ← second(v, Δ²).

    Δ is the mean by examples of Wᵢ − W; all is done coordinate by coordinate. At first m is 0,
    and v is τ², the least that the paper allows. There is no correction of the bias, as in the
    paper's algorithm. Flower differs in both: its v begins at 0, and its FedAdam corrects the
    bias of the round that comes next.

    State: `first_moment/<tensor>` and `second_moment/<tensor>` for each trainable tensor,
    float64. Statistics are averaged by examples.

    Args:
        facts: The round.
        settings: The step.
        second: How the second moment moves.

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """

    def step(spec: TensorSpec, change: np.ndarray, state: State) -> np.ndarray:
        first, squared = f"first_moment/{spec.name}", f"second_moment/{spec.name}"
        m = settings.beta_1 * kept(facts, first, spec) + (1 - settings.beta_1) * change
        v = second(kept(facts, squared, spec, settings.tau**2), change**2)
        state[first], state[squared] = m, v
        return settings.server_lr * m / (np.sqrt(v) + settings.tau)

    return optimised(facts, step)
