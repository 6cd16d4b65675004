import numpy as np
import pytest

from models.measures import calibration_error, reliability_bins


def test_calibration_worked_by_hand() -> None:
    # Confidences 0.9, 0.95 (one right of two) and 0.6 (right); 0.9 belongs to (0.8, 0.9].
    bins = reliability_bins(np.array([0.9, 0.95, 0.6]), np.array([True, False, True]))
    filled = [(e.lower, e.count, e.confidence, e.accuracy) for e in bins if e.count]
    assert filled == [
        (pytest.approx(0.5), 1, pytest.approx(0.6), 1),
        (pytest.approx(0.8), 1, pytest.approx(0.9), 1),
        (pytest.approx(0.9), 1, pytest.approx(0.95), 0),
    ]
    assert calibration_error(bins) == pytest.approx((0.4 + 0.1 + 0.95) / 3)


def test_a_bin_counts_by_its_examples_and_by_its_mean() -> None:
    # Three at 0.7, two of them right: a gap of 0.7 - 2/3. One at 1.0, right: no gap.
    bins = reliability_bins(np.array([0.7, 0.7, 0.7, 1.0]), np.array([True, True, False, True]))
    assert calibration_error(bins) == pytest.approx(3 * (0.7 - 2 / 3) / 4)


def test_every_confidence_finds_a_bin() -> None:
    confidence = np.array([0.0, 0.1, 0.5, 1.0, 1.0000001])
    bins = reliability_bins(confidence, np.array([True, False, True, True, True]))
    assert [entry.count for entry in bins] == [2, 0, 0, 0, 1, 0, 0, 0, 0, 2]
