"""Runs beside one another: what differs, and which is best."""

from __future__ import annotations

from typing import Any

import pytest

from federated.plan import ModelChoice, Plan
from federated.training import EarlyStopping, Training
from master.comparison import best_of, differing, flattened
from master.pairing import exact_p_value, paired
from tests.master.federation import Federation
from tests.master.test_evaluation_jobs import knowing, upload

PLAN: dict[str, Any] = {
    "rounds": 1,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
    # The better model is the worse one on the audit pictures of a test here.
    "audit": {"odd_drop": 1.0, "most_drop": 1.0},
    "publish": False,
}


def test_a_plan_is_flattened_to_paths() -> None:
    flat = flattened(Plan(model=ModelChoice(settings={"width": 8}), seed=3))
    assert flat["model.settings.width"] == 8
    assert flat["training.schedule.kind"] == "constant"
    assert flat["training.early_stopping"] is None
    assert flat["seed"] == 3


def test_a_whole_model_is_named_by_its_hash() -> None:
    flat = flattened(Plan(model=ModelChoice(name="own", config="x" * 5000)))
    assert flat["model.config"] == "sha256 c59d3c0480cc"


def test_only_what_differs_is_named_and_each_thing_once() -> None:
    one = Plan(training=Training(learning_rate=0.01, early_stopping=EarlyStopping(patience=3)))
    other = Plan(seed=4, model=ModelChoice(settings={"width": 8}))
    assert differing([flattened(one), flattened(other)]) == [
        "training.learning_rate",
        "training.early_stopping.patience",
        "training.early_stopping.monitor",
        "training.early_stopping.min_delta",
        "seed",
        "model.settings.width",
    ]
    assert differing([flattened(one)] * 3) == []
    assert differing([]) == []


def test_the_best_of_each_column_and_ties() -> None:
    figures = [
        {"auc": 0.8, "loss": 0.5, "seconds": 9.0, "bytes_per_round": 100.0},
        {"auc": 0.9, "loss": 0.7, "seconds": 3.0, "bytes_per_round": 100.0},
        {"auc": None, "loss": 0.6, "seconds": 1.0, "bytes_per_round": None},
    ]
    # The third is not finished: that it was quick so far says nothing.
    assert best_of(figures, [True, True, False]) == [
        ["loss", "bytes_per_round"],
        ["auc", "seconds", "bytes_per_round"],
        [],
    ]


def test_there_is_no_best_of_one() -> None:
    assert best_of([{"auc": 0.8}, {"auc": None}], [True, True]) == [[], []]


@pytest.fixture
def compared(federation: Federation) -> tuple[Federation, list[str]]:
    """Two runs of one round, one with a model that knows better, and one that has not begun."""
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 3})
    return federation, three_runs(federation)


def three_runs(federation: Federation) -> list[str]:
    a = federation.site("clinic-a")
    runs = []
    for seed, sharpness in ((1, 8.0), (2, -8.0)):
        runs.append(federation.run(**PLAN, seed=seed))
        federation.clock.tick(5 * seed)
        federation.beat(a)
        federation.deliver(a, knowing(a, sharpness, 10))
        federation.settle()
    runs.append(federation.run(**PLAN, seed=3, deadline_seconds=60))
    return runs


def test_a_studys_runs_with_what_they_came_to(
    compared: tuple[Federation, list[str]],
) -> None:
    federation, (first, second, third) = compared
    answer = federation.get("/studies/skin/comparison")
    assert answer["settings"] == ["deadline_seconds", "seed"]
    found = {run["id"]: run for run in answer["runs"]}
    assert set(found) == {first, second, third}
    assert found[second]["differs"] == {"deadline_seconds": 3600.0, "seed": 2}
    assert [found[run]["figures"]["accuracy"] for run in (first, second, third)] == [1.0, 0, None]
    assert [found[run]["figures"]["seconds"] for run in (first, second)] == [5.0, 10.0]
    # The test pictures choose no model, and there are no audit pictures.
    assert (answer["audited"], found[first]["audit"]["accuracy"]) == (False, None)
    assert set(found[first]["best"]) == {"seconds", "bytes_per_round"}
    assert found[second]["best"] == ["bytes_per_round"]
    (one,) = found[first]["course"]
    view = federation.get(f"/runs/{first}/rounds/1")
    assert one["figures"] == {name: view["evaluation"][name] for name in one["figures"]}
    (update,) = view["updates"]
    assert found[first]["figures"]["bytes_per_round"] == update["nbytes"]
    assert (found[third]["course"], found[third]["rounds"]) == ([], 0)


def test_runs_are_chosen_by_name(compared: tuple[Federation, list[str]]) -> None:
    federation, (first, second, _) = compared
    answer = federation.get(f"/studies/skin/comparison?runs={second},{first},{first}")
    assert {run["id"] for run in answer["runs"]} == {first, second}
    assert answer["settings"] == ["seed"]
    missing = federation.call("GET", f"/studies/skin/comparison?runs={first},none")
    assert missing.status_code == 404
    many = ",".join(f"r{number}" for number in range(21))
    assert federation.call("GET", f"/studies/skin/comparison?runs={many}").status_code == 422
    assert federation.get("/studies/skin/comparison?runs=")["runs"] == []


def test_the_audit_pictures_say_which_model_is_the_best(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 3})
    # What is light in the test is dark here, so the two parts would choose differently.
    upload(federation, "audit", {"benign": 4, "malignant": 2}, dark="malignant")
    first, second, _ = three_runs(federation)
    answer = federation.get("/studies/skin/comparison")
    found = {run["id"]: run for run in answer["runs"]}
    assert answer["audited"]
    assert [found[run]["figures"]["accuracy"] for run in (first, second)] == [1, 0]
    assert [found[run]["audit"]["accuracy"] for run in (first, second)] == [0, 1]
    assert set(found[second]["best"]) >= {"accuracy", "auc", "loss"}
    assert not set(found[first]["best"]) & {"accuracy", "auc", "loss"}


def test_two_models_are_compared_picture_by_picture(
    compared: tuple[Federation, list[str]],
) -> None:
    federation, (first, second, third) = compared
    answer = federation.get(f"/studies/skin/paired?runs={first},{second}")
    assert (answer["reference"], answer["num_examples"], answer["accuracy"]) == (first, 6, 1.0)
    (other,) = answer["runs"]
    assert (other["accuracy"], other["difference"]) == (0.0, -1.0)
    assert (other["only_reference"], other["only_run"]) == (6, 0)
    # Six of six to one side: 2 / 2^6.
    assert other["p_value"] == 2 / 64
    measured = federation.evaluator.calls.count("answers")
    federation.get(f"/studies/skin/paired?runs={second},{first}")
    assert federation.evaluator.calls.count("answers") == measured == 2
    for wrong, status in ((first, 422), (f"{third},none", 404)):
        assert federation.call("GET", f"/studies/skin/paired?runs={wrong}").status_code == status


def test_without_test_pictures_nothing_is_compared(federation: Federation) -> None:
    federation.study()
    first, second, _ = three_runs(federation)
    answer = federation.get(f"/studies/skin/paired?runs={first},{second}")
    assert (answer["num_examples"], answer["runs"]) == (0, [])


def test_only_pictures_on_which_models_part_tell_them_apart() -> None:
    # 100 pictures: both right 70, the first alone 5, the second alone 15, neither 10.
    first = [True] * 75 + [False] * 25
    second = [True] * 70 + [False] * 5 + [True] * 15 + [False] * 10
    found = paired(first, second)
    assert (found.difference, found.only_first, found.only_second) == (0.1, 5, 15)
    # The two-sided binomial test of 5 of 20, as scipy.stats.binomtest gives it.
    assert found.p_value == pytest.approx(0.04138947)
    # (10 ± 1.96 · √(21 − 100/102)) / 102, Agresti and Min (2005).
    assert (found.low, found.high) == pytest.approx((0.01206, 0.18401), abs=1e-5)
    assert exact_p_value(0, 0) == 1.0
    assert exact_p_value(3, 3) == 1.0


def test_models_may_part_on_more_pictures_than_a_float_has_powers_of_two() -> None:
    # By the normal distribution with its correction for steps: z = 99 / √1300, so 0.006.
    assert exact_p_value(600, 700) == pytest.approx(0.00604, abs=5e-5)
