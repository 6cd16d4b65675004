"""A model cut in two: what is frozen runs once a picture, and only the head is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.pictures import Pictures

if TYPE_CHECKING:
    from models.named import NamedModel


@dataclass(frozen=True, slots=True)
class FeatureSplit:
    """The two halves of a model; both share their variables with the whole.

    Attributes:
        base: From pictures to features; nothing of it changes in a run.
        head: From features, float32 (n, width), to class probabilities; its signature is what
            travels of the whole model.
    """

    base: NamedModel
    head: NamedModel

    @property
    def width(self) -> int:
        """Numbers that stand for one picture."""
        return int(self.base.keras_model.output_shape[-1])

    def extract(self, images: Pictures, batch_size: int = 32) -> np.ndarray:
        """The features of `images`, one batch in memory at a time.

        Args:
            images: uint8 (n, height, width, channels), 0–255; may be memory-mapped.
            batch_size: Pictures in memory at once.

        Returns:
            float32 (n, width).

        Raises:
            InvalidInput: The pictures do not fit the model.
        """
        from models.predict import predict

        return predict(self.base, images, batch_size)
