"""An update that another node sent in another run, and the same work done honestly once more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.master.federation import ChildInTest, Federation, trained
from tests.master.test_audits import updates

ASIDE = {
    "rounds": 1,
    "quorum": 1,
    "publish": False,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
}
"""From the same fresh weights each time, beside the study's own model."""


@pytest.fixture
def two(federation: Federation) -> list[ChildInTest]:
    # With fewer classes the model would be too small to be compared at all.
    federation.study(classes=["benign", "malignant", *(f"other-{n}" for n in range(20))])
    return [federation.site(f"clinic-{name}") for name in "ab"]


def ran(federation: Federation, shifts: dict[int, float], two: list[ChildInTest]) -> Any:
    """A run in which sites move their weights so far; what became of their updates."""
    run = federation.run(**ASIDE)
    for number, shift in shifts.items():
        federation.deliver(two[number], trained(two[number], shift, 10, num_steps=9))
    return updates(federation, run)


def test_what_another_node_sent_in_another_run_is_no_work_of_ones_own(
    federation: Federation, two: list[ChildInTest]
) -> None:
    assert ran(federation, {0: 1.0, 1: -2.0}, two)["clinic-a"]["status"] == "accepted"
    found = ran(federation, {1: 1.0, 0: 3.0}, two)
    assert (found["clinic-b"]["status"], found["clinic-a"]["status"]) == ("rejected", "accepted")
    why = "The update has the same weights as that of clinic-a for round 1 of another run."
    assert why in found["clinic-b"]["audit"]["reasons"]


def test_who_does_the_same_work_again_comes_to_the_same(
    federation: Federation, two: list[ChildInTest]
) -> None:
    ran(federation, {0: 1.0, 1: -2.0}, two)
    again = ran(federation, {0: 1.0, 1: -2.0}, two)
    assert {one["status"] for one in again.values()} == {"accepted"}
