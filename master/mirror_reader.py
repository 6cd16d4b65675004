"""An update the other way round, read tensor by tensor."""

from __future__ import annotations

import numpy as np

from federated.signature import Signature
from federated.wire import TensorReader


class MirrorReader:
    """The mirror image of an update: as far from what it started from, on the other side.

    Only what trains is mirrored: a statistic on the other side could be a negative variance, and
    those of the update suit its mirror image no worse than others.

    Args:
        update: The update's weights.
        start: Those that it started from.
        signature: Says what trains.
    """

    def __init__(self, update: TensorReader, start: TensorReader, signature: Signature) -> None:
        self._update, self._start = update, start
        self._trains = {spec.name: spec.trainable for spec in signature.tensors}

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return list(self._trains)

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor of the mirror image."""
        update = self._update.get_tensor(name)
        if not self._trains[name]:
            return update
        # In float64: twice a large float32 may be too much for it.
        start = self._start.get_tensor(name).astype(np.float64)
        with np.errstate(over="ignore"):
            mirrored: np.ndarray = (2 * start - update).astype(update.dtype)
        return mirrored
