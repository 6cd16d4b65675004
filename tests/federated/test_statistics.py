import numpy as np
import pytest

from federated.signature import signature_of
from federated.statistics import statistics, weight_statistics
from tests.federated.blobs import Arrays


def test_worked_numbers() -> None:
    figures = statistics(np.array([[1, 2], [3, 10]], dtype=np.float32))
    assert (figures.count, figures.mean, figures.median) == (4, 4.0, 2.5)
    assert (figures.min, figures.max) == (1.0, 10.0)
    # Deviations -3, -2, -1, 6: squares sum to 50, 50 / 4 = 12.5.
    assert figures.std == pytest.approx(12.5**0.5)
    assert sum(figures.histogram.counts) == 4
    assert figures.histogram.edges[0] == 1.0
    assert figures.histogram.edges[-1] == 10.0


def test_whole_and_per_tensor() -> None:
    weights = {"a": np.array([0.0, 2.0], np.float32), "b": np.array(4.0, np.float32)}
    figures = weight_statistics(Arrays(weights), signature_of(weights))
    assert figures.all.mean == 2.0
    assert {name: part.mean for name, part in figures.tensors.items()} == {"a": 1.0, "b": 4.0}
