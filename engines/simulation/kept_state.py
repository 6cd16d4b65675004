"""What a simulated run's strategy keeps from round to round, and what the sites are given of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from federated.plan import StrategyChoice
from federated.strategies import has_controls
from federated.wire import encode_weights
from serving.blobs import BlobStore


class KeptState:
    """What the master's tables say of it.

    Args:
        choice: The strategy.
        blobs: Where the sites find what they are given.
    """

    def __init__(self, choice: StrategyChoice, blobs: BlobStore) -> None:
        self._is_given = has_controls(choice)
        self._blobs = blobs
        self._counted: dict[str, str] = {}
        self.arrays: Mapping[str, np.ndarray] = {}
        self.control: str | None = None

    def close(self, arrays: Mapping[str, np.ndarray], tasks: Iterable[tuple[str, str]]) -> None:
        """Keeps what a round has come to.

        Args:
            arrays: What the strategy wants back.
            tasks: Node and task of each update that has counted.
        """
        self.arrays = arrays
        if self._is_given:
            self.control = self._blobs.put(encode_weights(arrays))
            self._counted.update(tasks)

    def counted(self, node: str) -> str | None:
        """The last task of a node whose update has counted; None where nobody need know."""
        return self._counted.get(node)
