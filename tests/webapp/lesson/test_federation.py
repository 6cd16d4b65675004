"""The lesson's federation: small numbers worked by hand, and the product's own rules."""

from dataclasses import replace

import numpy as np
import pytest

import federated.strategies
from federated.strategies import RULES
from webapp.lesson import federation
from webapp.lesson.federation import begin, course, state_at, step, world
from webapp.lesson.hostile import FLIP, SCALE, blurred, mislabelled, sent
from webapp.lesson.model import gradient, initial, loss_and_accuracy
from webapp.lesson.plane import principal_plane
from webapp.lesson.settings import STRATEGIES, Lesson, has_server_lr
from webapp.lesson.training import Descent, train

SMALL = Lesson(sites=3, alpha=0.5, epochs=1, seed=3)


def test_the_lesson_calls_the_products_own_rules() -> None:
    assert federation.RULES is federated.strategies.RULES
    assert set(STRATEGIES) <= set(RULES)
    assert has_server_lr("fedavgm")
    assert not has_server_lr("fedavg")


def test_the_new_model_counts_each_site_by_its_examples() -> None:
    state = state_at(SMALL, 1)
    sizes = [len(part) for part in world(SMALL).parts]
    assert len(set(sizes)) == 3
    for name, array in state.weights.items():
        by_hand = sum(n * state.returned[s][name].astype(float) for s, n in enumerate(sizes))
        np.testing.assert_allclose(array, by_hand / sum(sizes), atol=1e-6)
    assert state.shares == pytest.approx({s: n / sum(sizes) for s, n in enumerate(sizes)})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_rule_of_the_lesson_makes_a_model(strategy: str) -> None:
    lesson = Lesson(sites=5, epochs=1, alpha=5.0, strategy=strategy, server_lr=0.1)
    states = course(lesson, 2)
    assert [state.failed for state in states] == ["", "", ""]
    assert any((states[2].weights[n] != states[0].weights[n]).any() for n in states[0].weights)
    assert all(np.isfinite(array).all() for array in states[2].weights.values())


def test_a_step_is_pure_and_the_seed_is_its_only_chance() -> None:
    first = step(SMALL, begin(SMALL))
    again = step(SMALL, begin(SMALL))
    other = step(SMALL.model_copy(update={"seed": 4}), begin(SMALL))
    for name in first.weights:
        np.testing.assert_array_equal(first.weights[name], again.weights[name])
    assert (first.weights["hidden/kernel"] != other.weights["hidden/kernel"]).any()


def test_bytes_count_both_ways_and_only_who_was_asked() -> None:
    # 2·10 + 10 + 10·2 + 2 = 52 weights of four bytes; three sites, there and back.
    assert state_at(SMALL, 1).nbytes == 52 * 4 * 6
    # A third of three sites is one, and none answers: the way there alone.
    away = Lesson(sites=3, fraction=0.34, dropout=0.9, alpha=100.0, seed=1)
    state = state_at(away, 1)
    assert sorted(state.presence) == ["away", "not_asked", "not_asked"]
    assert state.nbytes == 52 * 4
    assert "nothing to average" in state.failed
    np.testing.assert_array_equal(state.weights["hidden/kernel"], state.before["hidden/kernel"])


def test_krum_says_that_it_needs_more_sites() -> None:
    state = state_at(Lesson(sites=3, strategy="krum", alpha=5.0), 1)
    assert "too few updates" in state.failed
    assert state.shares == {}


def test_hostile_sites() -> None:
    before, after = {"w": np.array([1.0], np.float32)}, {"w": np.array([1.5], np.float32)}
    assert sent("flip", before, after)["w"] == 1 - FLIP * 0.5
    assert sent("scale", before, after)["w"] == 1 + SCALE * 0.5
    assert sent("labels", before, after) is after
    assert mislabelled(np.array([0, 1, 2]), 3).tolist() == [1, 2, 0]
    assert blurred(after, 0, np.random.default_rng(0)) is after
    many = blurred({"w": np.zeros(20_000)}, 0.3, np.random.default_rng(0))
    assert float(many["w"].std()) == pytest.approx(0.3, rel=0.02)


def test_a_hostile_site_spoils_the_mean_and_not_the_median() -> None:
    hostile = Lesson(sites=6, alpha=3.0, hostile="flip")
    mean, median = (
        state_at(hostile.model_copy(update={"strategy": s}), 8) for s in ("fedavg", "median")
    )
    assert mean.measured[1] < 0.6 < 0.85 < median.measured[1]


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    weights = {n: a.astype(np.float64) for n, a in initial(3, 4, 3, rng).items()}
    x, y = rng.normal(size=(7, 3)), rng.integers(0, 3, 7)
    slopes = gradient(weights, x, y)
    for name, slope in slopes.items():
        up, down = ({n: a.copy() for n, a in weights.items()} for _ in range(2))
        up[name].flat[0] += 1e-5
        down[name].flat[0] -= 1e-5
        risen = loss_and_accuracy(up, x, y)[0] - loss_and_accuracy(down, x, y)[0]
        assert slope.flat[0] == pytest.approx(risen / 2e-5, rel=1e-4)


def test_a_site_held_to_the_global_weights_goes_less_far() -> None:
    start = initial(2, 4, 2, np.random.default_rng(1))
    x, y = np.array([[1.0, 0], [0, 1], [1, 1]], np.float32), np.array([0, 1, 1])
    free = Descent(epochs=5, batch=2, rate=0.5)
    far, near = (
        train(start, x, y, how, np.random.default_rng(2))
        for how in (free, replace(free, proximal=1.0))
    )
    gone = [
        np.linalg.norm(own.weights["hidden/kernel"] - start["hidden/kernel"]) for own in (far, near)
    ]
    assert gone[1] < gone[0]
    assert far.steps == 10


def test_the_plane_shows_where_models_differ_most() -> None:
    points = np.array([[0, 0, 0], [4, 0, 1], [-4, 0, 1], [0, 0, -2]], float)
    plane = principal_plane(points, origin=np.array([1.0, 5, 0]))
    np.testing.assert_allclose(np.abs(plane.axes), [[1, 0, 0], [0, 0, 1]], atol=1e-12)
    x, y = plane({"w": np.array([3.0, 5.0]), "b": np.array([2.0])})
    assert (x, y) == pytest.approx((2.0, 2.0))
