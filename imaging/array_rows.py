"""Rows of an array file, read when they are asked for."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from imaging.errors import WrongArrayFile

HEADER_BYTES = 4096
"""What an array file begins with."""


class ArrayRows:
    """Pictures by index, as an array gives them; only those that are asked for are in memory.

    Args:
        path: The array file.
        shape: `(rows, height, width, channels)`.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._path = path
        self.shape = shape
        self._places = np.arange(shape[0])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any, /) -> npt.NDArray[np.uint8]:
        """The rows of a number, a slice, or an array of numbers: a copy, as they are now.

        Raises:
            IndexError: There is no such row.
            WrongArrayFile: The file has become shorter.
        """
        places = self._places[index]
        wanted = np.atleast_1d(places)
        pixels = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        if len(wanted):
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._fill(file, pixels, wanted)
            finally:
                os.close(file)
        return pixels.reshape(*places.shape, *self.shape[1:])

    def _fill(self, file: int, pixels: npt.NDArray[np.uint8], places: npt.NDArray[Any]) -> None:
        """Reads rows that follow one another in one go."""
        of_a_row = math.prod(self.shape[1:])
        ends = [*(np.flatnonzero(np.diff(places) != 1) + 1), len(places)]
        start = 0
        for end in ends:
            data = pixels[start:end].data.cast("B")
            _read_all(file, data, HEADER_BYTES + int(places[start]) * of_a_row)
            start = end


def _read_all(file: int, data: memoryview, offset: int) -> None:
    while data:
        read = os.preadv(file, [data], offset)
        if not read:
            raise WrongArrayFile(
                "The array file is shorter than it was",
                expected=f"{len(data)} more bytes",
                received="its end",
            )
        data, offset = data[read:], offset + read
