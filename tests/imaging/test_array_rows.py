from pathlib import Path

import numpy as np
import pytest

from imaging.array_file import PixelArray
from imaging.errors import WrongArrayFile

PIXELS = np.random.default_rng(4).integers(0, 256, (9, 3, 5, 2), np.uint8)


@pytest.fixture
def array(tmp_path: Path) -> PixelArray:
    array = PixelArray(tmp_path / "pixels", (3, 5, 2))
    array.append(PIXELS)
    return array


@pytest.mark.parametrize(
    "index",
    [
        4,
        -1,
        slice(2, 7),
        slice(None, None, 3),
        slice(4, 4),
        np.array([8, 0, 1, 2, 5, 5, 4]),
        np.array([], np.int64),
        np.array([True, False, True, True, False, False, False, False, True]),
    ],
    ids=str,
)
def test_rows_are_what_an_array_would_give(array: PixelArray, index: object) -> None:
    found = array.rows()[index]
    assert np.array_equal(found, PIXELS[index])
    assert found.dtype == np.uint8
    assert found.shape == PIXELS[index].shape


def test_rows_are_read_as_they_are_now(array: PixelArray) -> None:
    rows = array.rows()
    array.erase(3)
    assert not rows[3].any()


def test_a_row_that_is_not_there_is_refused(array: PixelArray) -> None:
    with pytest.raises(IndexError):
        array.rows()[np.array([1, 9])]


def test_a_file_that_became_shorter_is_told_of(array: PixelArray) -> None:
    rows = array.rows()
    with array.path.open("r+b") as file:
        file.truncate(array.path.stat().st_size - 1)
    with pytest.raises(WrongArrayFile, match="shorter than it was"):
        rows[7:]


def test_an_array_without_rows_has_none(tmp_path: Path) -> None:
    rows = PixelArray(tmp_path / "nothing", (3, 5, 2)).rows()
    assert len(rows) == 0
    assert rows[np.array([], np.int64)].shape == (0, 3, 5, 2)
