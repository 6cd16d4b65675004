"""Audit pictures mixed as a site's own classes are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from master.audit.mixture import Mixed, mixed

LABELS = ["a"] * 8 + ["b"] * 40 + ["c"] * 4


def told(values: np.ndarray, **counts: int) -> Mixed:
    found = mixed(values, LABELS, counts)
    assert found is not None
    return found


def test_each_class_counts_as_at_the_site_and_not_as_in_the_audit_part() -> None:
    values = np.array([0.5, 0.7] * 4 + [0.1, 0.3] * 20 + [9.0] * 4)
    assert told(values, a=30, b=10).mean == pytest.approx(0.75 * 0.6 + 0.25 * 0.2)
    assert told(values, a=7).mean == pytest.approx(0.6)
    assert told(values, a=7, c=0).mean == pytest.approx(0.6)


def test_its_error_is_that_of_a_mean_over_strata(rng: np.random.Generator) -> None:
    values = rng.normal(0, 1, len(LABELS))
    a, b = values[:8].var(ddof=1), values[8:48].var(ddof=1)
    least = 0.75 * a + 0.25 * b
    error = math.sqrt(0.5625 * max(a, least) / 8 + 0.0625 * max(b, least) / 40)
    found = told(values, a=30, b=10)
    assert found.error == pytest.approx(error)
    assert found.pictures == pytest.approx(1 / (0.5625 / 8 + 0.0625 / 40))
    assert found.deviations == pytest.approx(found.mean / error)


def test_a_few_pictures_that_agree_by_chance_are_not_taken_for_sure() -> None:
    values = np.array([0.4] * 8 + [0.0, 1.0] * 20 + [0.0] * 4)
    # As if class a told nothing of chance, it would be 0.02.
    assert told(values, a=30, b=10).error == pytest.approx(0.07, abs=0.001)
    assert told(np.full(52, 0.4), a=30, b=10).deviations < 2000


def test_more_pictures_make_it_surer_and_not_larger(rng: np.random.Generator) -> None:
    few, many = (mixed(rng.normal(0.2, 1, n), ["a"] * n, {"a": 3}) for n in (50, 5000))
    assert few is not None
    assert many is not None
    assert many.deviations > 4 > few.deviations
    assert many.size == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("counts", [{}, {"d": 5}, {"c": 9}, {"a": 40, "c": 10}])
def test_nothing_is_said_of_classes_that_the_audit_pictures_lack(counts: dict[str, int]) -> None:
    assert mixed(np.zeros(52), LABELS, counts) is None
