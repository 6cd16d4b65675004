"""Each picture goes through the frozen network once, whatever happens in between."""

import numpy as np
import pytest

from child.feature_array import FeatureArray, FeatureRows
from child.feature_extraction import AT_ONCE, Cancelled, compute_features
from imaging.array_file import PixelArray

SHAPE = (4, 4, 3)


class Means:
    """A frozen network whose features are the means of the channels; counts its pictures."""

    width = 3

    def __init__(self, on_batch=lambda: None):
        self.seen = 0
        self._on_batch = on_batch

    def extract(self, images, batch_size):
        assert len(images) % batch_size == 0
        self.seen += len(images)
        self._on_batch()
        return images.mean(axis=(1, 2), dtype=np.float32)


@pytest.fixture
def pixels(tmp_path):
    pixels = PixelArray(tmp_path / "pixels.u8", SHAPE)
    noise = np.random.default_rng(1).integers(1, 256, (300, *SHAPE), dtype=np.uint8)
    pixels.append(noise)
    return pixels


@pytest.fixture
def array(tmp_path):
    return FeatureArray(tmp_path / "features.f32", Means.width)


def compute(means, pixels, rows, array, cancelled=lambda: False):
    """Computes features; returns what was told."""
    told = []
    compute_features(
        means,
        pixels.rows(),
        np.array(rows, np.int64),
        array,
        lambda *done: told.append(done),
        cancelled,
    )
    return told


def test_features_lie_in_the_rows_of_their_pictures(pixels, array):
    rows = [7, 2, 41]
    assert compute(Means(), pixels, rows, array) == [(0, 3)]
    expected = pixels.open()[rows].mean(axis=(1, 2))
    np.testing.assert_allclose(FeatureRows(array.open(), tuple(rows))[:], expected, rtol=1e-6)


def test_what_is_there_is_not_computed_again(pixels, array):
    compute(Means(), pixels, range(100), array)
    means = Means()
    assert compute(means, pixels, range(100), array) == []
    assert means.seen == 0
    # Ten new ones, filled up to one batch.
    assert compute(means, pixels, range(110), array) == [(100, 110)]
    assert means.seen == 32


def test_a_cancelled_task_leaves_what_is_done(pixels, array):
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        compute(Means(), pixels, range(300), array, lambda: next(asked))
    assert array.missing(np.arange(300)).tolist() == list(range(AT_ONCE, 300))
    assert compute(Means(), pixels, range(300), array)[0] == (AT_ONCE, 300)


def test_a_picture_that_is_deleted_while_it_is_looked_at_leaves_no_features(pixels, array):
    compute(Means(on_batch=lambda: pixels.erase(5)), pixels, range(10), array)
    assert array.missing(np.arange(10)).tolist() == [5]
    assert not array.open()[5].any()


def test_no_pictures_need_no_network(pixels, array):
    assert compute(Means(), pixels, [], array) == []
    assert len(array.open()) == 0
