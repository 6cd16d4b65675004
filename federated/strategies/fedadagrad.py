"""FedAdagrad: each weight has a step size of its own, by all changes since the run began.

References:
    S. Reddi et al., "Adaptive Federated Optimization", ICLR 2021, algorithm 2.
    https://arxiv.org/abs/2003.00295
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federated.strategies.adaptive import AdaptiveSettings, Beta, adapted
from federated.strategies.round import Outcome, RoundFacts


class FedAdagradSettings(AdaptiveSettings):
    """Settings of FedAdagrad, which in the paper's experiments has no first moment.

    Attributes:
        server_lr: Step size of the server (the paper's η).
        beta_1: How much of the first moment is kept.
    """

    server_lr: Annotated[float, Field(gt=0, le=10)] = 0.1
    beta_1: Beta = 0.0


def fedadagrad(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← v + Δ².

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAdagradSettings.model_validate(dict(facts.settings))
    return adapted(facts, settings, lambda v, square: v + square)
