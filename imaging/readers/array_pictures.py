"""Pictures that are rows of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from imaging.depth import to_8_bits
from imaging.errors import RefusedPicture
from imaging.png import encode_png
from imaging.readers.errors import BrokenSource, refusing_broken
from imaging.readers.stored_array import Array, StoredArray
from imaging.sanitise import DEFAULT_LIMITS

CHANNELS = (1, 2, 3, 4)
"""Grey, grey with transparency, colour, colour with transparency."""


class Rows(Protocol):
    """Something that gives pictures by their number."""

    def __len__(self) -> int:
        """How many."""
        ...

    def row(self, number: int) -> Array:
        """One picture's values."""
        ...

    def stamp(self, number: int) -> str:
        """See `SourcePicture.stamp`."""
        ...


@dataclass(frozen=True, slots=True)
class LooseRows:
    """Arrays in a list; pictures of different sizes, for instance.

    Attributes:
        arrays: One a picture.
    """

    arrays: Sequence[StoredArray]

    def __len__(self) -> int:
        """How many."""
        return len(self.arrays)

    def row(self, number: int) -> Array:
        """One picture's values."""
        return self.arrays[number].load()

    def stamp(self, number: int) -> str:
        """See `SourcePicture.stamp`."""
        return self.arrays[number].content.stamp


@dataclass(frozen=True, slots=True, eq=False)
class ArrayPicture:
    """One row as a picture; one kind of `imaging.source.SourcePicture`.

    Attributes:
        name: The array's name and the row's number.
        label: Its class.
        rows: All pictures.
        number: Which of them it is.
        scale: What its values are to be multiplied by to be from 0 to 255; 0 for whole numbers.
        part: `train`, `validation`, `test`, `audit`, or empty.
    """

    name: str
    label: str
    rows: Rows = field(repr=False)
    number: int
    scale: float = 0.0
    part: str = ""

    @property
    def path(self) -> Path:
        """Its name: where it lies within the data set."""
        return Path(self.name)

    @property
    def group(self) -> str:
        """Its name: arrays say nothing of patients."""
        return self.name

    @property
    def metadata(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    @property
    def stamp(self) -> str:
        """See `SourcePicture.stamp`."""
        return f"{self.rows.stamp(self.number)} {self.scale:g}"

    def read(self) -> bytes:
        """A PNG file of the same pixels, 8 bits each.

        Raises:
            RefusedPicture: Its shape or its values are no picture's.
        """
        with refusing_broken(self.name):
            return encode_png(as_pixels(self.rows.row(self.number), self.scale))


def as_pixels(values: Array, scale: float) -> npt.NDArray[np.uint8]:
    """Values as uint8 `(height, width)` or `(height, width, 2, 3 or 4)`.

    Args:
        values: `(height, width)`, `(height, width, channels)` or `(channels, height, width)`;
            truth values, whole numbers from 0 to 65535 (beyond 255: `imaging.depth`), or others.
        scale: What others are multiplied by.

    Raises:
        RefusedPicture: The shape or the values are no picture's.
    """
    shaped = _channels_last(values)
    height, width = shaped.shape[:2]
    limits = DEFAULT_LIMITS
    if not height or not width or height * width > limits.max_pixels:
        raise _refused("a picture of a possible size", f"{width} × {height} pixels")
    if shaped.dtype.kind == "b":
        return np.asarray(shaped, np.uint8) * 255
    if shaped.dtype == np.uint8:
        return np.ascontiguousarray(shaped)
    if shaped.dtype.kind == "f":
        return _scaled(shaped, scale)
    if shaped.dtype.kind not in "iu" or shaped.min() < 0 or shaped.max() > 65535:
        raise _refused("whole numbers from 0 to 65535", _range(shaped))
    return to_8_bits(shaped.astype(np.uint16))


def float_scale(rows: Rows) -> float:
    """What the values of all pictures are multiplied by to be from 0 to 255.

    It is one number for all: 255 where no value is above 1, else 1; 0 where the values are no
    fractions. All are looked at, some megabytes at a time.

    Raises:
        BrokenSource: They are neither from 0 to 1 nor from 0 to 255.
    """
    arrays = [rows] if isinstance(rows, StoredArray) else getattr(rows, "arrays", [])
    floats = [array for array in arrays if array.dtype.kind == "f"]
    lows, highs = [0.0], [0.0]
    for array in floats:
        for chunk in array.chunks():
            if chunk.size:
                lows.append(float(chunk.min()))
                highs.append(float(chunk.max()))
    # Not a number is what compares with nothing.
    if not (np.isfinite([*lows, *highs]).all() and min(lows) >= 0 and max(highs) <= 255):
        raise BrokenSource(
            "These arrays hold no pictures",
            expected="values from 0 to 1 or from 0 to 255",
            received=f"values from {min(lows):g} to {max(highs):g}",
        )
    return 0.0 if not floats else 255.0 if max(highs) <= 1 else 1.0


def _channels_last(values: Array) -> Array:
    if values.ndim == 2:
        return values
    if values.ndim == 3 and values.shape[2] in CHANNELS:
        return values[:, :, 0] if values.shape[2] == 1 else values
    if values.ndim == 3 and values.shape[0] in CHANNELS:
        return _channels_last(np.moveaxis(values, 0, 2))
    raise _refused("(height, width) or (height, width, channels)", str(values.shape)[:60])


def _scaled(values: Array, scale: float) -> npt.NDArray[np.uint8]:
    scaled = values.astype(np.float64) * scale
    if not (np.isfinite(scaled).all() and scaled.min() >= 0 and scaled.max() <= 255):
        raise _refused("values from 0 to 1 or from 0 to 255", _range(values))
    return np.asarray(scaled.round().astype(np.uint8))


def _range(values: Any) -> str:
    return f"values from {values.min()} to {values.max()}"[:80]


def _refused(expected: str, received: str) -> RefusedPicture:
    return RefusedPicture(
        "This array is no picture", expected=expected, received=received, code="not_a_picture"
    )
