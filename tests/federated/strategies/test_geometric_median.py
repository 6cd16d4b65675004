"""The geometric median: known points, the smoothed Weiszfeld algorithm, and hostile updates."""

import numpy as np
import pytest

from tests.federated.strategies.rounds import aggregate, crowd, update


def sum_of_distances(point: np.ndarray, points: np.ndarray) -> float:
    return float(np.linalg.norm(points - point, axis=1).sum())


def test_of_a_triangle_it_is_the_point_that_sees_each_side_under_120_degrees() -> None:
    corners = [(0.0, 0.0), (1.0, 0.0), (0.5, np.sqrt(0.75))]
    sites = [update(f"s{n}", 10**n, corner, n + 1.0) for n, corner in enumerate(corners)]
    outcome = aggregate("geometric_median", *sites)
    # Of equal sides that is the centre, however unequal the examples are.
    np.testing.assert_allclose(outcome.weights["w"], np.mean(corners, axis=0), atol=1e-6)
    # Of the statistics, the middle one.
    np.testing.assert_array_equal(outcome.weights["v"], [2.0])
    assert outcome.shares == pytest.approx({"s0": 1 / 3, "s1": 1 / 3, "s2": 1 / 3})


def test_on_a_line_it_is_the_median() -> None:
    sites = [update(f"s{n}", n + 1, (place, 1.0)) for n, place in enumerate((0, 1, 3, 50, 900))]
    outcome = aggregate("geometric_median", *sites)
    np.testing.assert_allclose(outcome.weights["w"], [3.0, 1.0], atol=1e-3)


def test_no_neighbouring_point_has_a_smaller_sum() -> None:
    rng = np.random.default_rng(4)
    sites = crowd(rng, 12)
    points = np.array([site.weights.get_tensor("w") for site in sites])
    found = aggregate("geometric_median", *sites, before=(5.0, -5.0)).weights["w"]
    least = sum_of_distances(found, points)
    for angle in np.linspace(0, 2 * np.pi, 16):
        moved = found + 0.01 * np.array([np.cos(angle), np.sin(angle)])
        assert sum_of_distances(moved, points) > least


def test_one_step_is_that_of_the_paper() -> None:
    sites = [update("a", 1, (0.0, 0.0)), update("b", 2, (4.0, 0.0)), update("c", 5, (4.0, 3.0))]
    points = np.array([[0, 0], [4, 0], [4, 3]], dtype=float)
    for by_examples, alphas in ((False, np.ones(3) / 3), (True, np.array([1, 2, 5]) / 8)):
        start = alphas @ points
        pulls = alphas / np.maximum(np.linalg.norm(points - start, axis=1), 1e-6)
        outcome = aggregate("geometric_median", *sites, iterations=1, by_examples=by_examples)
        np.testing.assert_allclose(outcome.weights["w"], pulls @ points / pulls.sum())


@pytest.mark.parametrize("size", [1e3, 1e12, 3e38, 1e200])
def test_no_update_pulls_it_away_however_large_it_is(size: float) -> None:
    rng = np.random.default_rng(8)
    honest = crowd(rng, 7)
    hostile = [update(f"x{n}", 10**6, (size, size), 1e9) for n in range(3)]
    outcome = aggregate("geometric_median", *honest, *hostile)
    alone = aggregate("geometric_median", *honest).weights["w"]
    np.testing.assert_allclose(outcome.weights["w"], alone, atol=1.5)
    assert outcome.weights["v"] < 2.0


def test_equal_updates_are_their_own_median() -> None:
    sites = [update(f"s{n}", n + 1, (2.0, -3.0)) for n in range(4)]
    outcome = aggregate("geometric_median", *sites, before=(50.0, 50.0))
    np.testing.assert_allclose(outcome.weights["w"], [2.0, -3.0])
