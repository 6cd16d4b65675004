"""Pictures of a memory-mapped array, of which only some may be in memory at a time."""

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
    pictures = RowPictures(array.open(), (4, 1, 3))
    assert pictures.shape == (3, 2, 2, 1)
    assert np.array_equal(pictures[np.array([2, 0])], pixels[[3, 4]])


@pytest.mark.skipif(not STATUS.exists(), reason="this system has no /proc to look at memory in")
def test_what_was_looked_at_does_not_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 16 << 20
    monkeypatch.setattr("child.training_material.MAPPED_BYTES", limit)
    size, rows = 512, 3 * limit // (512 * 512)
    array = PixelArray(tmp_path / "pixels", (size, size, 1))
    marks = (np.arange(rows) % 251).astype(np.uint8)
    for start in range(0, rows, 128):
        part = marks[start : start + 128, None, None, None]
        array.append(np.broadcast_to(part, (len(part), size, size, 1)))
    pictures = RowPictures(array.open(), tuple(range(rows)))
    before, peak = mapped_bytes(), 0
    for start in range(0, rows, 32):
        index = np.arange(start, start + 32)
        assert np.array_equal(pictures[index][:, 7, 9, 0], marks[index])
        peak = max(peak, mapped_bytes() - before)
    assert peak < 1.5 * limit
