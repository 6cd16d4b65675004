"""The course of a run: what each round came to, and how each site fared in it."""

from __future__ import annotations

import numpy as np
import pytest

from federated.statistics import relative_change
from master.store.courses import thinned
from tests.master.federation import Federation, trained
from tests.master.test_evaluation_jobs import knowing, upload

PLAN = {"rounds": 2, "quorum": 1, "privacy": {"min_examples": 5}, "audit": {"most_drop": 1.0}}


def test_rounds_and_sites_are_told_side_by_side(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 3})
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN)
    federation.deliver(a, knowing(a, 8.0, 10, metrics={"seconds": 3.0, "val_accuracy": 0.7512345}))
    federation.give_up(b)
    federation.settle()
    found = federation.get(f"/runs/{run}/course")
    view = federation.get(f"/runs/{run}/rounds/1")
    first = found["rounds"][0]
    assert (found["total"], first["state"]) == (2, "closed")
    assert first["weights_after"] == view["weights_after"]
    told = first["evaluation"]
    assert told == {name: view["evaluation"][name] for name in told}
    assert set(told) >= {"loss", "accuracy", "auc", "f1", "sensitivity_at_90"}
    by_name = {site["node_name"]: site for site in found["sites"]}
    assert by_name["clinic-a"]["states"][0] == "accepted"
    # What no page follows over the rounds is told of a round alone.
    assert by_name["clinic-a"]["metrics"] == {"val_accuracy": [0.75123, None]}
    assert by_name["clinic-b"]["states"][0] == "failed"
    assert by_name["clinic-a"]["shares"] == [1.0, None]
    assert by_name["clinic-b"]["shares"] == [None, None]


def test_of_a_long_run_evenly_spread_rounds_are_told() -> None:
    assert thinned(range(1, 12), 6) == [1, 3, 5, 7, 9, 11]
    assert thinned([4, 7], 5) == [4, 7]


def test_how_far_each_tensor_moved_in_each_round(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    assert federation.get(f"/runs/{run}/changes")["rounds"] == []
    for shift in (2.0, 0.5):
        federation.deliver(a, trained(a, shift, 10))
    found = federation.get(f"/runs/{run}/changes")
    assert (found["rounds"], found["total"]) == ([1, 2], 2)
    view = federation.get(f"/runs/{run}/rounds/1")
    before, after = (federation.weights(view[f"weights_{when}"]) for when in ("before", "after"))
    for name, (first, _) in found["tensors"].items():
        length = float(np.linalg.norm(before[name]))
        moved = float(np.linalg.norm(after[name].astype(np.float64) - before[name]))
        assert first == (pytest.approx(moved / length) if length else None)
    assert None in [first for first, _ in found["tensors"].values()]


def test_of_nothing_there_is_no_multiple() -> None:
    assert relative_change(np.zeros(3), np.ones(3)) is None
    assert relative_change(np.full(4, 2.0), np.full(4, 1.5)) == 0.25
