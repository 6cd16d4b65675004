"""An explanation: a heat map over one picture, and how it came about. Imports without Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Method = Literal["grad-cam", "occlusion"]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Where in a picture a model found what speaks for a class. It does not say why.

    Attributes:
        map: float32 (height, width), 0 nothing to 1 most; as large as the picture that the
            model saw. All zeros where nothing speaks for the class.
        method: How it was computed.
        target: Index of the class that it is about.
        layer: The layer that Grad-CAM looked at; None for occlusion.
        layers: Every layer that can be asked for, in the order in which the model runs them.
        grid: Rows and columns that were told apart, before scaling to the picture's size.
    """

    map: Floats
    method: Method
    target: int
    layer: str | None
    layers: tuple[str, ...]
    grid: tuple[int, int]


def scaled_map(cells: np.ndarray, height: int, width: int) -> Floats:
    """Evidence by cell as a map of a picture's size, 0 to 1.

    Args:
        cells: (rows, columns), of any range; what is negative counts as nothing.
        height: Pixels of the result.
        width: Pixels of the result.

    Returns:
        float32 (height, width); bilinear between the cells' middles, and 1 at its greatest.
    """
    positive = np.nan_to_num(np.maximum(cells, 0), nan=0.0, posinf=0.0).astype(np.float32)
    image = Image.fromarray(positive).resize((width, height), Image.Resampling.BILINEAR)
    smooth = np.maximum(np.asarray(image, np.float32), 0)
    greatest = smooth.max()
    return smooth / greatest if greatest > 0 else np.zeros((height, width), np.float32)
