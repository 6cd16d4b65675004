"""Learning rates: worked numbers, and rounds that go on where the last one ended."""

from __future__ import annotations

import numpy as np
import pytest

from federated.training import Schedule
from models.training.schedule import Span, learning_rates


def rates(steps: int = 4, span: Span | None = None, peak: float = 0.8, **schedule: object) -> list:
    chosen = Schedule.model_validate(schedule)
    return learning_rates(chosen, peak, steps, span or Span(0, 1)).tolist()


def test_constant() -> None:
    assert rates() == pytest.approx([0.8] * 4)


def test_each_step_has_the_rate_of_its_middle() -> None:
    # Middles at 1/8, 3/8, 5/8 and 7/8 of the way.
    assert rates(kind="linear") == pytest.approx([0.7, 0.5, 0.3, 0.1])
    assert rates(kind="linear", final=0.5) == pytest.approx([0.75, 0.65, 0.55, 0.45])


def test_cosine() -> None:
    expected = [0.4 * (1 + np.cos(np.pi * k / 8)) for k in (1, 3, 5, 7)]
    assert rates(kind="cosine") == pytest.approx(expected)
    higher = [0.25 * 0.8 + 0.75 * rate for rate in expected]
    assert rates(kind="cosine", final=0.25) == pytest.approx(higher)


def test_exponential_falls_by_the_same_factor_each_step() -> None:
    found = rates(kind="exponential", final=0.0625)
    assert found == pytest.approx([0.8 * 0.0625 ** (k / 8) for k in (1, 3, 5, 7)])
    assert found[1] / found[0] == pytest.approx(0.5)


def test_warm_up_rises_and_the_rest_falls() -> None:
    # Half of the way up, at 1/4 and 3/4 of the rise; then at 1/4 and 3/4 of the fall.
    assert rates(kind="linear", warmup=0.5) == pytest.approx([0.2, 0.6, 0.6, 0.2])


def test_rounds_make_one_whole() -> None:
    schedule = {"kind": "cosine", "warmup": 0.2}
    whole = rates(15, **schedule)
    parts = [rates(5, Span.of_round(number, 3), **schedule) for number in (1, 2, 3)]
    assert np.concatenate(parts).tolist() == pytest.approx(whole)


def test_a_schedule_over_each_round_begins_anew() -> None:
    schedule = {"kind": "linear", "over": "round"}
    assert rates(4, Span.of_round(2, 3), **schedule) == rates(4, **schedule)


def test_rounds_beyond_the_last_stay_at_the_end() -> None:
    assert Span.of_round(3, 3) == Span(2 / 3, 1)
    assert Span.of_round(9, 3) == Span(1, 1)
    assert rates(2, Span.of_round(9, 3), kind="linear", final=0.25) == pytest.approx([0.2, 0.2])
