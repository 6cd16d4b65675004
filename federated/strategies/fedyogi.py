"""FedYogi: like FedAdam, but a step size recovers slowly from large changes.

References:
    S. Reddi et al., "Adaptive Federated Optimization", ICLR 2021, algorithm 2.
    https://arxiv.org/abs/2003.00295
"""

from __future__ import annotations

import numpy as np

from federated.strategies.adaptive import AdaptiveSettings, Beta, adapted
from federated.strategies.round import Outcome, RoundFacts


class FedYogiSettings(AdaptiveSettings):
    """Settings of FedYogi.

    Attributes:
        beta_2: How much of the second moment is kept.
    """

    beta_2: Beta = 0.99


def fedyogi(facts: RoundFacts) -> Outcome:
    """The step of `adapted`, with v ← v − (1 − β₂) Δ² sign(v − Δ²).

    Raises:
        NotEnoughUpdates: There is no update, or none counts any example.
    """
    settings = FedYogiSettings.model_validate(dict(facts.settings))
    rate = 1 - settings.beta_2
    return adapted(facts, settings, lambda v, square: v - rate * square * np.sign(v - square))
