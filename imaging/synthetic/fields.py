"""Fields over a square picture: coordinates, smooth noise, cells and soft steps.

All are float32 arrays `(size, size)`, or of some of their pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float32]


def coordinates(size: int) -> tuple[Field, Field]:
    """`(x, y)` of each pixel's centre, from -1 to 1; x grows to the right, y downwards."""
    line = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    x, y = np.meshgrid(line, line)
    return x, y


def noise(rng: np.random.Generator, size: int, cells: int) -> Field:
    """Smooth noise of mean 0 and standard deviation 1 with about `cells` hills a side."""
    grid = rng.standard_normal((cells + 3, cells + 3)).astype(np.float32)
    offset = 1 + rng.random(2) * 0.9
    box = (offset[0], offset[1], offset[0] + cells, offset[1] + cells)
    image = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=box)
    field = np.array(image, dtype=np.float32)
    field -= field.mean()
    # `std` would make three more passes; most of a picture's time goes into noise.
    field *= np.float32(1 / (np.sqrt(np.vdot(field, field) / field.size) + 1e-6))
    return field


def clouds(rng: np.random.Generator, size: int, cells: int, octaves: int = 3) -> Field:
    """Noise with detail at several scales, mean 0 and standard deviation about 1."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        total += noise(rng, size, cells * 2**octave) / np.float32(1.15 * 2**octave)
    return total


def step(edge: float, width: Field | float, field: Field) -> Field:
    """0 below `edge - width`, 1 above `edge + width`, and a soft step between."""
    t = np.clip((field - edge) / (2 * width) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def cell_walls(rng: np.random.Generator, x: Field, y: Field, cells: int, regular: float) -> Field:
    """A honeycomb: 1 on the walls between cells, falling to 0 inside them.

    Args:
        rng: Where the cells' centres are drawn from.
        x: Horizontal coordinates, -1 to 1, warped if the honeycomb is to be.
        y: Vertical ones.
        cells: Cells a side.
        regular: 0, cells of all sizes, to 1, a grid.

    References:
        S. Worley, A Cellular Texture Basis Function, SIGGRAPH 1996.
    """
    centres = 0.5 + (rng.random((2, cells + 4, cells + 4), dtype=np.float32) - 0.5) * (1 - regular)
    centres = centres.astype(np.float32)
    centres[0, ::2] += 0.5
    u, v = ((np.clip(axis, -1, 1) + 1) * np.float32(cells / 2) + 1.5 for axis in (x, y))
    column, line = u.astype(np.int64), v.astype(np.int64)
    nearest = np.full(x.shape, 81, np.float32)
    second = nearest.copy()
    for down in (-1, 0, 1):
        for right in (-2, -1, 0, 1):
            i, j = line + down, np.maximum(column + right, 0)
            aside, below = j + centres[0, i, j] - u, i + centres[1, i, j] - v
            distance = aside * aside + below * below
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    from_wall = np.sqrt(second) - np.sqrt(nearest)
    return np.asarray(np.exp(-((from_wall / 0.22) ** 2)), dtype=np.float32)
