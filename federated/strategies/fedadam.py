"""FedAdam: each weight has a step size of its own, by the changes of the last rounds.

References:
    S. Reddi et al., "Adaptive Federated Optimization", ICLR 2021, algorithm 2.
    https://arxiv.org/abs/2003.00295
"""

from __future__ import annotations

from federated.strategies.adaptive import AdaptiveSettings, Beta, adapted
from federated.strategies.round import Outcome, RoundFacts


class FedAdamSettings(AdaptiveSettings):
    """Settings of FedAdam.

    Attributes:
        beta_2: How much of the second moment is kept.
    """

    beta_2: Beta = 0.99


def fedadam(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← β₂ v + (1 − β₂) Δ².

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedAdamSettings.model_validate(dict(facts.settings))
    beta = settings.beta_2
    return adapted(facts, settings, lambda v, square: beta * v + (1 - beta) * square)
