"""A run is steered, waits for another, for sites or for pictures, and goes on."""

from __future__ import annotations

import pytest

from tests.master.federation import Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def test_stopping_a_run_takes_its_tasks_back(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    assert federation.post(f"/runs/{run}/stop")["state"] == "stopped"
    federation.settle()
    assert a.dropped == [a.tasks[-1].id]
    assert federation.states(run) == {"clinic-a": "cancelled"}
    assert federation.deliver(a, trained(a, 1.0, num_examples=10)).get_json()["state"] == "late"
    assert federation.states(run) == {"clinic-a": "cancelled"}


def test_a_paused_run_ends_its_round_and_opens_no_other(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 2}))
    federation.post(f"/runs/{run}/pause")
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    assert [r["state"] for r in federation.rounds(run)] == ["closed"]
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    assert federation.last_round(run)["number"] == 2


def test_a_second_run_waits_for_the_first(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    first, second = federation.run(**PLAN), federation.run(**PLAN)
    assert federation.get(f"/runs/{second}")["state"] == "pending"
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    made = federation.last_round(first)["weights_after"]
    assert federation.last_round(second)["weights_before"] == made


def test_a_standing_run_trains_when_enough_new_pictures_came(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 20), federation.site("clinic-b", 20)
    plan = PLAN | {"rounds": 2, "trigger": {"kind": "upload", "min_new_pictures": 4}}
    run = federation.run(**plan)
    federation.beat(a, 23, new_labelled=3)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "idle"
    federation.beat(a, 24, new_labelled=4)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "running"
    assert b.tasks == []
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    assert federation.get(f"/runs/{run}")["state"] == "idle"
    assert federation.get(f"/runs/{run}")["round"] == 1


def test_a_standing_round_that_failed_is_not_tried_again_with_the_same_pictures(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("clinic-a", 20)
    plan = PLAN | {"rounds": 9, "trigger": {"kind": "upload", "min_new_pictures": 4}}
    run = federation.run(**plan)
    federation.beat(a, 25, new_labelled=5)
    federation.settle()
    federation.give_up(a)
    federation.give_up(a)
    view = federation.get(f"/runs/{run}")
    assert (view["state"], view["round"]) == ("idle", 1)
    assert "trainer_died" in view["reason"]
    federation.beat(a, 29, new_labelled=9)
    federation.settle()
    assert federation.get(f"/runs/{run}")["round"] == 2


@pytest.mark.parametrize(("deadline", "waits"), [(27, 30), (400, 400)])
def test_a_run_waits_for_sites_that_went_away_as_long_as_a_round_would(
    federation: Federation, clock: Clock, deadline: int, waits: int
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"rounds": 2, "deadline_seconds": deadline}))
    clock.tick(25)
    federation.deliver(a, trained(a, 1.0, num_examples=10))
    view = federation.get(f"/runs/{run}")
    assert view["state"] == "running"
    assert "not reachable" in view["reason"]
    clock.tick(waits - 1)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "running"
    clock.tick(1)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "failed"
