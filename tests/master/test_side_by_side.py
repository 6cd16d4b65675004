"""Runs that are only compared: at once, from fresh weights, beside the study's own model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from federated.study import Study
from tests.master.federation import ChildInTest, Clock, Federation, base_of, trained
from tests.master.linear import initial_weights
from tests.master.test_many_runs import PLAN, deliver, start, state
from tests.master.test_restart import restarted

ASIDE = PLAN | {"publish": False}


def seeded(seed: int, **changes: Any) -> dict[str, Any]:
    return ASIDE | {"seed": seed} | changes


def tasks_of(child: ChildInTest, run: str) -> list[Any]:
    return [task for task in child.tasks if task.run == run]


@pytest.fixture
def three(federation: Federation) -> list[ChildInTest]:
    federation.study()
    pulls = {"clinic-a": False, "clinic-b": False, "clinic-c": True}
    return [federation.site(name, pull=pull) for name, pull in pulls.items()]


def test_runs_to_be_compared_go_on_at_once_and_leave_the_studys_model_alone(
    federation: Federation, three: list[ChildInTest]
) -> None:
    a, b, c = three
    before = federation.get("/studies/skin")["current"]
    published = start(federation, "skin", PLAN)
    first, second = (start(federation, "skin", seeded(seed)) for seed in (1, 2))
    assert [state(federation, run) for run in (published, first, second)] == [("running", 1)] * 3
    assert [task.run for task in a.tasks] == [published, first, second]
    # Two rounds of one run, while the others have not yet ended their first.
    for _ in range(2):
        polled = federation.poll(c)
        while polled and polled.run != first:
            polled = federation.poll(c)
        for child in (a, b, c):
            deliver(federation, child, first)
    assert state(federation, first) == ("completed", 2)
    assert federation.get("/studies/skin")["current"] == before
    assert state(federation, second) == ("running", 1)
    # What the people at a site use is the study's model, whatever is tried out beside it.
    for child in (a, b):
        assert {push.weights for push in child.pushes} == {before["weights"]}


def test_each_begins_from_its_own_seed_whatever_the_study_has_learnt(
    federation: Federation, three: list[ChildInTest]
) -> None:
    a, _, c = three
    published = start(federation, "skin", PLAN | {"rounds": 1})
    federation.poll(c)
    for child in three:
        deliver(federation, child, published)
    study = federation.get("/studies/skin")
    runs = [start(federation, "skin", seeded(seed)) for seed in (3, 4)]
    for run, seed in zip(runs, (3, 4), strict=True):
        (task,) = tasks_of(a, run)
        one = ChildInTest(a.name, a.id, a.token, a.blobs, a.pushes, [task])
        expected = initial_weights(_study(), seed)
        for name, array in base_of(one).items():
            np.testing.assert_array_equal(array, expected[name])
    assert federation.get("/studies/skin")["current"] == study["current"]


def _study() -> Study:
    return Study(id="skin", name="Skin", classes=("benign", "malignant"), size=8)


def test_a_site_works_for_all_runs_in_turn(
    federation: Federation, three: list[ChildInTest], clock: Clock
) -> None:
    c = three[2]
    runs = [start(federation, "skin", seeded(seed, rounds=3)) for seed in (1, 2, 3)]
    told: list[str] = []
    for _ in range(6):
        task = federation.poll(c)
        assert task is not None
        told.append(task.run)
        clock.tick(1)
        for child in three:
            deliver(federation, child, task.run)
    # A run's next round queues behind what the others have waiting: nobody starves.
    assert told == runs * 2


def test_only_a_run_that_is_published_waits_and_is_waited_for(
    federation: Federation, three: list[ChildInTest]
) -> None:
    aside = start(federation, "skin", seeded(1))
    first, second = start(federation, "skin", PLAN), start(federation, "skin", PLAN)
    assert [state(federation, run)[0] for run in (aside, first, second)] == [
        "running",
        "running",
        "pending",
    ]
    assert federation.get(f"/runs/{second}")["reason"].startswith(f"waits for run {first}")
    # Pausing and resuming asks about published runs alone, too.
    for step in ("pause", "resume"):
        federation.post(f"/runs/{aside}/{step}")
        federation.settle()
    assert state(federation, aside) == ("running", 1)


def test_what_is_tried_out_leaves_new_pictures_new(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    upload = PLAN | {"trigger": {"kind": "upload", "min_new_pictures": 4}}
    standing = start(federation, "skin", upload)
    aside = start(federation, "skin", seeded(1))
    federation.beat(a, 24, new_labelled=3)
    federation.settle()
    deliver(federation, a, aside)
    (site,) = federation.get("/nodes")["nodes"]
    assert site["new_labelled"] == {"skin": 3}
    federation.beat(a, 25, new_labelled=4)
    federation.settle()
    assert state(federation, standing) == ("running", 1)


def test_a_run_that_waits_for_pictures_must_be_published(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a")
    plan = ASIDE | {"trigger": {"kind": "upload"}}
    answer = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
    assert answer.status_code == 422
    assert "publish it" in answer.get_json()["detail"]


def test_a_killed_master_goes_on_with_all_of_them(
    federation: Federation, three: list[ChildInTest]
) -> None:
    runs = [start(federation, "skin", seeded(seed, rounds=1)) for seed in (1, 2)]
    again = restarted(federation)
    again.poll(three[2])
    for run in reversed(runs):
        for child in three:
            if child is three[2] and not tasks_of(child, run):
                again.poll(child)
            deliver(again, child, run)
    assert [state(again, run) for run in runs] == [("completed", 1)] * 2


def test_the_blob_that_a_task_alone_needs_is_sent_once_the_child_asks(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    federation.children.calls.clear()
    run = start(federation, "skin", seeded(5))
    calls = [call for name, call, _ in federation.children.calls]
    assert calls == ["post_task", "put_weights", "post_task"]
    (task,) = tasks_of(a, run)
    assert task.weights in a.blobs


def test_a_published_model_reaches_sites_that_are_busy_with_a_comparison(
    federation: Federation,
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    aside = start(federation, "skin", seeded(1))
    published = start(federation, "skin", PLAN | {"rounds": 1})
    for child in (a, b):
        deliver(federation, child, published)
    current = federation.get("/studies/skin")["current"]["weights"]
    assert state(federation, aside) == ("running", 1)
    federation.settle()
    assert a.pushes[-1].weights == b.pushes[-1].weights == current


def test_an_update_of_a_run_aside_is_averaged_like_any(
    federation: Federation, three: list[ChildInTest]
) -> None:
    run = start(federation, "skin", seeded(6, rounds=1))
    federation.poll(three[2])
    for child, shift, examples in zip(three, (1.0, 2.0, 4.0), (10, 5, 5), strict=True):
        (task,) = tasks_of(child, run)
        one = ChildInTest(child.name, child.id, child.token, child.blobs, child.pushes, [task])
        update = trained(one, shift, num_examples=examples)
        assert federation.deliver(child, update, task.id).status_code == 200
    view = federation.get(f"/runs/{run}/rounds/1")
    before, after = (federation.weights(view[f"weights_{end}"]) for end in ("before", "after"))
    # (1 * 10 + 2 * 5 + 4 * 5) / 20 = 2
    for name, array in after.items():
        np.testing.assert_allclose(array, before[name] + 2.0, rtol=1e-6)
