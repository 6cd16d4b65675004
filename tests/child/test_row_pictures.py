"""Pictures of an array file, of which only those that are asked for are in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from child.training_material import RowPictures
from imaging.array_file import PixelArray

STATUS = Path("/proc/self/status")


def mapped_bytes() -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssFile"))
    return int(line.split()[1]) * 1024


def test_rows_are_those_that_were_asked_for(tmp_path: Path) -> None:
    pixels = np.arange(5 * 2 * 2 * 1, dtype=np.uint8).reshape(5, 2, 2, 1)
    array = PixelArray(tmp_path / "pixels", (2, 2, 1))
    array.append(pixels)
    pictures = RowPictures(array.rows(), (4, 1, 3))
    assert pictures.shape == (3, 2, 2, 1)
    assert np.array_equal(pictures[np.array([2, 0])], pixels[[3, 4]])


@pytest.mark.skipif(not STATUS.exists(), reason="this system has no /proc to look at memory in")
def test_what_was_looked_at_does_not_stay_in_memory(tmp_path: Path) -> None:
    size, rows = 256, 768
    array = PixelArray(tmp_path / "pixels", (size, size, 1))
    marks = (np.arange(rows) % 251).astype(np.uint8)
    array.append(np.broadcast_to(marks[:, None, None, None], (rows, size, size, 1)))
    pictures = RowPictures(array.rows(), tuple(range(rows)))
    before = mapped_bytes()
    for start in range(0, rows, 32):
        index = np.arange(start, start + 32)
        assert np.array_equal(pictures[index][:, 7, 9, 0], marks[index])
    assert mapped_bytes() - before < rows * size * size / 4
