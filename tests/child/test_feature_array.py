"""Features on disk: computed once, gone with their picture, nobody else's to read."""

import stat

import numpy as np
import pytest

from child.feature_array import HEADER_BYTES, FeatureArray, FeatureRows, erase_features
from federated.errors import StorageFailure

WIDTH = 3


def always(_place):
    return True


def features(*numbers):
    """A row of one number three times for each of `numbers`."""
    return np.repeat(np.array(numbers, np.float32)[:, None], WIDTH, axis=1)


@pytest.fixture
def array(tmp_path):
    array = FeatureArray(tmp_path / "features.f32", WIDTH)
    array.reserve(5)
    array.put(np.array([3, 0]), features(0.25, -8), always)
    return array


def test_what_was_put_is_there_and_the_rest_is_missing(array):
    assert array.missing(np.array([4, 3, 0, 1, 4])).tolist() == [1, 4]
    np.testing.assert_array_equal(FeatureRows(array.open(), (3, 0))[:], features(0.25, -8))


def test_rows_are_read_as_training_asks_for_them(array):
    array.put(np.array([1]), features(7), always)
    rows = FeatureRows(array.open(), (0, 1, 3))
    assert (rows.shape, rows.dtype) == ((3, WIDTH), np.float32)
    np.testing.assert_array_equal(rows[np.array([2, 1])], features(0.25, 7))
    np.testing.assert_array_equal(rows[1:], features(7, 0.25))


def test_features_that_are_all_zero_count_too(array):
    array.put(np.array([2]), features(0), always)
    assert array.missing(np.array([2])).size == 0


def test_more_room_leaves_what_is_there(array):
    array.reserve(9)
    array.reserve(2)
    assert len(array.open()) == 9
    assert array.missing(np.arange(9)).tolist() == [1, 2, 4, 5, 6, 7, 8]


def test_an_erased_row_holds_nothing_and_is_missing_again(array):
    erase_features(array.path, lambda rows: rows[rows == 3])
    assert not array.open()[3].any()
    assert array.missing(np.array([0, 3])).tolist() == [3]


def test_a_picture_that_was_deleted_meanwhile_does_not_come_back(array):
    array.put(np.array([1, 2]), features(5, 6), lambda place: place != 0)
    assert array.missing(np.array([1, 2])).tolist() == [1]
    assert not array.open()[1].any()


def test_the_file_is_its_owners_alone(array):
    assert stat.S_IMODE(array.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"not features", b"{}" + b"\n" * HEADER_BYTES])
def test_what_is_no_file_of_features_is_begun_anew_or_goes(tmp_path, content):
    path = tmp_path / "features.f32"
    path.write_bytes(content)
    erase_features(path, lambda rows: rows)
    assert not path.exists()
    path.write_bytes(content)
    array = FeatureArray(path, WIDTH)
    array.reserve(2)
    assert array.missing(np.array([0, 1])).tolist() == [0, 1]


def test_features_of_another_width_are_begun_anew(array):
    wider = FeatureArray(array.path, WIDTH + 1)
    wider.reserve(4)
    assert wider.missing(np.arange(4)).tolist() == [0, 1, 2, 3]


def test_a_file_that_is_not_there_has_nothing_to_erase(tmp_path):
    erase_features(tmp_path / "none.f32", lambda rows: rows)


def test_a_folder_that_refuses_is_told_in_words(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageFailure, match="features"):
        FeatureArray(tmp_path / "taken", WIDTH).reserve(1)
