"""Named arrays, as a strategy reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from webapp.lesson.model import Weights


@dataclass(frozen=True, slots=True)
class Tensors:
    """The weights of a model in memory, read tensor by tensor."""

    weights: Weights

    def keys(self) -> list[str]:
        """Their names."""
        return list(self.weights)

    def get_tensor(self, name: str) -> np.ndarray:
        """One of them."""
        return self.weights[name]
