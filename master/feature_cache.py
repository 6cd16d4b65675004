"""What a network made of the master's own pictures, kept while the evaluator lives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

MOST_BYTES = 256 * 2**20
"""Features that are kept, all together."""


class FeatureCache:
    """Arrays by the model and the pictures that they are of; those used longest ago go first.

    Args:
        most: Bytes that are kept.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()

    def of(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Features or probabilities, (n, width), computed when `key` is first asked for."""
        if key not in self._kept:
            self._kept[key] = compute()
        self._kept.move_to_end(key)
        features = self._kept[key]
        while self._kept and sum(array.nbytes for array in self._kept.values()) > self._most:
            self._kept.popitem(last=False)
        return features
