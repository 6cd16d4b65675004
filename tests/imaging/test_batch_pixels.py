"""Batches become rows of pixels: the right ones, with the right classes, scaled as uploads are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from federated.errors import InvalidInput, StorageFailure, TooLarge
from federated.study import Study
from imaging.array_file import PixelArray
from imaging.batch_pixels import GROUP, WantedBatch, write_batch_pixels
from imaging.batches import Batch, PackedPicture, encode_batch
from imaging.errors import BrokenBatch, WrongPixels
from imaging.resize import to_model_pixels
from tests.imaging.files import Pixels, file_of, picture

# The study has its classes in another order and spelling, and one that the batches lack.
STUDY = Study(id="skin", name="Skin", classes=("Nevus", "melanoma", "scar"), size=16)
CLASSES = ("melanoma", "nevus")


def pixels_of(number: int) -> Pixels:
    return picture(20 + number % 7, 30, seed=number)


def packed(*numbers: int) -> tuple[PackedPicture, ...]:
    """Pictures by number; every third is a melanoma."""
    return tuple(
        PackedPicture(file_of(pixels_of(n)), "melanoma" if n % 3 == 0 else "nevus") for n in numbers
    )


def stored(folder: Path, batch: Batch) -> WantedBatch:
    data, entry = encode_batch(batch)
    path = folder / "batches" / entry.sha256
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return WantedBatch(path, entry.sha256)


@pytest.fixture
def two(tmp_path: Path) -> tuple[WantedBatch, WantedBatch]:
    return (
        stored(tmp_path, Batch(CLASSES, packed(1, 2, 3), packed(4, 6))),
        stored(tmp_path, Batch(CLASSES, packed(7, 8, 9, 10, 11), packed(12))),
    )


def array_in(folder: Path, study: Study = STUDY) -> PixelArray:
    return PixelArray(folder / "pixels", study.picture_shape)


def seen(numbers: list[int], study: Study = STUDY) -> np.ndarray:
    return np.stack([to_model_pixels(pixels_of(n), study.size, study.channels) for n in numbers])


def test_a_whole_batch_becomes_rows(tmp_path: Path, two: tuple[WantedBatch, ...]) -> None:
    array = array_in(tmp_path)
    written = write_batch_pixels(two[:1], STUDY, array)
    assert written.train.rows == (0, 1, 2)
    assert written.train.labels == (0, 0, 1)
    assert written.validation.rows == (3, 4)
    assert written.validation.labels == (0, 1)
    assert np.array_equal(array.open(), seen([1, 2, 3, 4, 6]))


def test_only_the_places_that_are_wanted_are_written(
    tmp_path: Path, two: tuple[WantedBatch, ...]
) -> None:
    array = array_in(tmp_path)
    wanted = [
        WantedBatch(two[0].path, two[0].sha256, train=(2,), validation=()),
        WantedBatch(two[1].path, two[1].sha256, train=(0, 4), validation=(0,)),
    ]
    written = write_batch_pixels(wanted, STUDY, array)
    rows = array.open()
    assert np.array_equal(rows[list(written.train.rows)], seen([3, 7, 11]))
    assert written.train.labels == (1, 0, 0)
    assert np.array_equal(rows[list(written.validation.rows)], seen([12]))
    assert written.validation.labels == (1,)
    assert len(array) == 4


def test_rows_come_behind_those_that_are_there(
    tmp_path: Path, two: tuple[WantedBatch, ...]
) -> None:
    array = array_in(tmp_path)
    write_batch_pixels(two[:1], STUDY, array)
    assert write_batch_pixels(two[1:], STUDY, array).train.rows == (5, 6, 7, 8, 9)


def test_a_grey_study_gets_grey_pictures(tmp_path: Path, two: tuple[WantedBatch, ...]) -> None:
    grey = STUDY.model_copy(update={"channels": 1, "size": 9})
    array = array_in(tmp_path, grey)
    write_batch_pixels(two[:1], grey, array)
    assert np.array_equal(array.open(), seen([1, 2, 3, 4, 6], grey))


def test_progress_is_told_and_can_stop(tmp_path: Path) -> None:
    count = GROUP + 3
    wanted = stored(tmp_path, Batch(CLASSES, packed(*range(count)), packed(count)))
    told = list[int]()
    write_batch_pixels([wanted], STUDY, array_in(tmp_path), on_pictures=told.append)
    assert told == [GROUP, count, count + 1]

    def stop(pictures: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_batch_pixels([wanted], STUDY, array_in(tmp_path), on_pictures=stop)


def test_a_class_that_the_study_lacks_is_an_error(tmp_path: Path) -> None:
    wanted = stored(tmp_path, Batch(("melanoma", "nevus", "wart"), packed(1), packed(2)))
    array = array_in(tmp_path)
    with pytest.raises(InvalidInput, match="wart") as refusal:
        write_batch_pixels([wanted], STUDY, array)
    assert refusal.value.code == "unknown_label"
    assert len(array) == 0


def test_a_batch_is_read_only_under_its_own_name(
    tmp_path: Path, two: tuple[WantedBatch, ...]
) -> None:
    array = array_in(tmp_path)
    with pytest.raises(BrokenBatch):
        write_batch_pixels([WantedBatch(two[0].path, two[1].sha256)], STUDY, array)
    with pytest.raises(StorageFailure):
        write_batch_pixels([WantedBatch(tmp_path / "none", two[1].sha256)], STUDY, array)
    assert len(array) == 0


def test_a_picture_that_does_not_pass_the_border_is_told(tmp_path: Path) -> None:
    broken = PackedPicture(file_of(pixels_of(1))[:60], "nevus")
    wanted = stored(tmp_path, Batch(CLASSES, (*packed(1), broken), ()))
    with pytest.raises(BrokenBatch, match="cannot be used"):
        write_batch_pixels([wanted], STUDY, array_in(tmp_path))


@pytest.mark.parametrize("places", [(3,), (-1,), (0, 3)])
def test_a_place_that_the_batch_lacks_is_told(
    places: tuple[int, ...], tmp_path: Path, two: tuple[WantedBatch, ...]
) -> None:
    wanted = WantedBatch(two[0].path, two[0].sha256, train=places)
    with pytest.raises(BrokenBatch, match="places 0 to 2"):
        write_batch_pixels([wanted], STUDY, array_in(tmp_path))


def test_there_is_a_limit(tmp_path: Path, two: tuple[WantedBatch, ...]) -> None:
    array = array_in(tmp_path)
    with pytest.raises(TooLarge, match="at most 10"):
        write_batch_pixels(two, STUDY, array, limit=10)
    assert len(array) == 10
    assert len(write_batch_pixels(two, STUDY, array, limit=11).train.rows) == 8


def test_an_array_of_another_shape_is_refused(tmp_path: Path, two: tuple[WantedBatch, ...]) -> None:
    with pytest.raises(WrongPixels):
        write_batch_pixels(two, STUDY, PixelArray(tmp_path / "pixels", (8, 8, 3)))
