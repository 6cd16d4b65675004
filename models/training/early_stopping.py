"""When a round's training ends before its last epoch, and which epoch's weights count."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federated.training import EarlyStopping

Weights = Mapping[str, np.ndarray]


class BestEpoch:
    """The best epoch of one training so far, and its weights.

    Args:
        rule: When to give up.

    Attributes:
        epoch: The best epoch, from 1; 0 before the first.
        weights: The weights at its end.
    """

    def __init__(self, rule: EarlyStopping) -> None:
        self._rule = rule
        self._best = -np.inf
        self._waited = 0
        self.epoch = 0
        self.weights: Weights = {}

    def judge(self, epoch: int, val_loss: float, val_accuracy: float) -> bool:
        """Whether this epoch is the best so far; its weights are then to be kept."""
        gain = val_accuracy if self._rule.monitor == "val_accuracy" else -val_loss
        self._waited += 1
        # The first epoch counts whatever it came to, so that there always is a best one.
        if self.epoch and not gain > self._best + self._rule.min_delta:
            return False
        self._best = gain if np.isfinite(gain) else -np.inf
        self._waited, self.epoch = 0, epoch
        return True

    @property
    def is_over(self) -> bool:
        """Whether so many epochs passed without a gain that training ends."""
        return self._waited >= self._rule.patience
