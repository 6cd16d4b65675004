"""What every function on pictures checks first."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from federated.errors import InvalidInput

UINT8 = np.dtype(np.uint8)


class Pictures(Protocol):
    """Stored pixels: uint8 (n, height, width, channels), 0–255, in memory or memory-mapped.

    For a model of features, what stands for each picture: float32 (n, width).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, height, width, channels)`."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """`uint8`."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Pictures by slice or by an array of indices, as an array."""
        ...


Labelled = tuple[Pictures, np.ndarray]
"""Pictures, and their class indices: integers (n,)."""


def check_pictures(images: Pictures, shape: tuple[int, ...], dtype: np.dtype[Any] = UINT8) -> None:
    """Holds `images` against what the model takes.

    Args:
        images: Pictures; or features, for a model of features.
        shape: Of one example, as the model takes it.
        dtype: Of the model's examples.

    Raises:
        InvalidInput: They are of another dtype or shape.
    """
    if images.dtype != dtype or tuple(images.shape[1:]) != shape:
        raise InvalidInput(
            "The pictures do not fit this model",
            expected=f"{dtype} (n, {', '.join(map(str, shape))})",
            received=f"{images.dtype} {tuple(images.shape)}",
        )


def check_labels(labels: np.ndarray, num_examples: int, num_classes: int) -> None:
    """Holds `labels` against the pictures and the classes.

    Raises:
        InvalidInput: They are not integers, not one for each picture, or no class's index.
    """
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != (num_examples,):
        raise InvalidInput(
            "The labels do not fit the pictures",
            expected=f"integers ({num_examples},)",
            received=f"{labels.dtype} {labels.shape}",
        )
    if num_examples and not 0 <= labels.min() <= labels.max() < num_classes:
        raise InvalidInput(
            "A label is no class of this study",
            expected=f"labels from 0 to {num_classes - 1}",
            received=f"labels from {labels.min()} to {labels.max()}",
        )
