"""Deadlines from measured speed, with numbers worked out by hand."""

from __future__ import annotations

import pytest

from federated.plan import Plan
from federated.training import Training
from master.coordinator.deadline import measured_speed, waiting_seconds

PLAN = Plan(
    training=Training(epochs=3), deadline_factor=2.0, deadline_seconds=500.0, data={"kind": "own"}
)


def test_the_first_update_is_the_speed() -> None:
    # 40 pictures, 3 times, in 60 s.
    assert measured_speed(None, 40, 3, 60.0) == 2.0


def test_later_updates_move_the_average_by_three_tenths() -> None:
    # 0.7 * 2 + 0.3 * 12
    assert measured_speed(2.0, 40, 3, 10.0) == pytest.approx(5.0)


@pytest.mark.parametrize(("examples", "epochs", "seconds"), [(40, 0, 60.0), (40, 3, 0.0)])
def test_what_measures_nothing_changes_nothing(examples: int, epochs: int, seconds: float) -> None:
    assert measured_speed(2.0, examples, epochs, seconds) == 2.0
    assert measured_speed(None, examples, epochs, seconds) is None


@pytest.mark.parametrize(
    ("plan", "work", "seconds"),
    [
        # The slowest takes 90 * 3 / 2 = 135 s, the quick one 40 * 3 / 8 = 15 s.
        (PLAN, [(40, 8.0), (90, 2.0)], 270.0),
        # Never longer than the plan allows, never absurdly short.
        (PLAN, [(90, 1.0)], 500.0),
        (PLAN, [(1, 1000.0)], 10.0),
        # A node that has never answered may take as long as the plan allows.
        (PLAN, [(40, 8.0), (90, None)], 500.0),
        (PLAN.model_copy(update={"deadline_factor": None}), [(40, 8.0)], 500.0),
        (PLAN.model_copy(update={"training": Training(epochs=0)}), [(40, 8.0)], 500.0),
        # The plan's own limit is kept even where it is short.
        (PLAN.model_copy(update={"deadline_seconds": 4.0}), [(1, 1000.0)], 4.0),
    ],
)
def test_a_round_waits_for_its_slowest_node(
    plan: Plan, work: list[tuple[int, float | None]], seconds: float
) -> None:
    assert waiting_seconds(plan, work) == seconds
