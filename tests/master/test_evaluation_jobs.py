"""Audits, credits and evaluations on the master's own pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from federated.plan import AuditPolicy
from federated.wire import UpdateDocument
from master.audit import Asked, Measurement, judge, standard_error
from master.coordinator import audit_jobs
from master.rewards import share_out
from serving.worker import WorkerDied, WorkerFailed
from tests.master.federation import Clock, Federation, base_of, trained, update_of

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}


def document(**facts: object) -> UpdateDocument:
    known = {"task": "t", "base": "0" * 64, "num_examples": 10, "num_steps": 4}
    return UpdateDocument.model_validate(known | facts)


def report(accuracy: float, pictures: int = 100) -> Measurement:
    return Measurement({"accuracy": accuracy, "num_examples": pictures, "loss": 0.5, "auc": None})


def upload(federation: Federation, part: str, counts: dict[str, int], dark: str = "benign") -> None:
    """Grey pictures: those of one class are dark, the others light."""
    files = []
    for label, count in counts.items():
        for number in range(count):
            shade = (20 if label == dark else 220) + number
            data = io.BytesIO()
            Image.new("RGB", (8, 8), (shade, shade, len(part))).save(data, "PNG")
            data.seek(0)
            files.append((data, f"{label}_{number}.png"))
    answer = federation.call("POST", "/studies/skin/images", data={"file": files, "part": part})
    assert answer.status_code == 201, answer.get_json()


def knowing(child, sharpness: float, num_examples: int, **facts: object) -> bytes:
    """An update that tells light from dark pictures; with a negative sharpness, wrongly."""
    weights = base_of(child)
    kernel = np.zeros_like(weights["dense/kernel"])
    kernel[0] = (-sharpness, sharpness)
    bias = np.array([sharpness / 2, -sharpness / 2], np.float32)
    return update_of(
        child.tasks[-1],
        {"dense/kernel": kernel, "dense/bias": bias},
        num_examples=num_examples,
        **facts,
    )


def test_credits_go_by_measured_accuracy_and_sum_to_the_pool(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 2, "malignant": 7})
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**(PLAN | {"rewards": {"pool": 10}}))
    federation.deliver(a, knowing(a, 9.0, 10))
    # Always says "malignant": right for 7 of 9.
    always = base_of(b) | {"dense/kernel": np.zeros((3, 2), np.float32)}
    always["dense/bias"] = np.array([0, 5], np.float32)
    federation.deliver(b, update_of(b.tasks[-1], always, num_examples=10))
    rewards = federation.get(f"/runs/{run}/rewards")
    credits = {entry["node_name"]: entry["credits"] for entry in rewards["ledger"]}
    # 10 * 1 / (1 + 7/9) = 5.625 and 10 * (7/9) / (16/9) = 4.375
    assert credits == {"clinic-a": 5.625, "clinic-b": 4.375}
    assert [s["node_name"] for s in rewards["leaderboard"]] == ["clinic-a", "clinic-b"]
    assert federation.get("/nodes")["nodes"][0]["credits"] == 5.625


def test_without_audit_pictures_nothing_is_measured_and_nothing_earned(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")["updates"][0]
    assert "No audit pictures: accuracy not measured." in view["audit"]["reasons"]
    assert view["audit"]["measured"] == {}
    assert federation.get("/rewards")["ledger"] == []
    assert "report" not in federation.evaluator.calls


def test_the_test_part_is_reported_and_the_run_waits_for_it(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    federation.evaluation_queues.held = ("evaluation/",)
    run = federation.run(**PLAN)
    federation.deliver(a, knowing(a, 9.0, 10))
    assert federation.get(f"/runs/{run}")["state"] == "running"
    assert "being evaluated" in federation.get(f"/runs/{run}/evaluation")["note"]
    federation.evaluation_queues.release()
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    evaluation = federation.get(f"/runs/{run}/evaluation?round=1")
    assert evaluation["test"]["accuracy"] == 1.0
    assert evaluation["test"]["num_examples"] == 8
    assert evaluation["audit"] is None
    assert federation.get(f"/runs/{run}")["evaluation"]["auc"] == 1.0


def test_the_test_part_has_intervals_and_the_audit_part_has_none(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 7, "malignant": 5})
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    evaluation = federation.get(f"/runs/{run}/evaluation?round=1")
    assert evaluation["audit"]["resamples"] == 0
    assert evaluation["audit"]["intervals"] == {}
    assert evaluation["test"]["resamples"] == 1000
    bounds = evaluation["test"]["intervals"]["loss"]
    assert bounds["low"] < evaluation["test"]["loss"] < bounds["high"]
    (first,) = federation.rounds(run)
    assert first["evaluation"]["brier"] == evaluation["test"]["brier"]


def test_the_next_round_does_not_wait_for_an_evaluation(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    federation.evaluation_queues.held = ("evaluation/",)
    run = federation.run(**(PLAN | {"rounds": 2}))
    federation.deliver(a, trained(a, 1.0, 10))
    assert federation.get(f"/runs/{run}")["round"] == 2


def test_an_evaluation_that_fails_is_told_and_ends_the_wait(federation: Federation) -> None:
    federation.study()
    upload(federation, "test", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.evaluator.failure = WorkerFailed("It could not be done")
    federation.deliver(a, trained(a, 1.0, 10))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    assert "It could not be done" in federation.get(f"/runs/{run}/evaluation")["note"]


def test_a_worker_that_died_once_is_asked_again(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.evaluator.failure = WorkerDied("It ended")
    federation.deliver(a, knowing(a, 9.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")["updates"][0]
    assert view["audit"]["measured"]["accuracy"] == 1.0


def test_an_update_whose_blob_is_lost_is_rejected_and_the_round_ends(
    federation: Federation,
) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN)
    federation.queues.held = ("audit/",)
    lost = federation.deliver(a, trained(a, 1.0, 10)).get_json()["sha256"]
    federation.services.blobs.delete(lost)
    federation.queues.release()
    federation.deliver(b, trained(b, 2.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert view["state"] == "closed"
    assert [task["state"] for task in view["tasks"]] == ["rejected", "accepted"]
    assert "could not be audited: There is no such blob" in view["tasks"][0]["reason"]


def test_an_unexpected_error_over_an_update_rejects_it(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise ZeroDivisionError

    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    monkeypatch.setattr(audit_jobs, "sketch_of", fail)
    federation.deliver(a, trained(a, 1.0, 10))
    task, _ = federation.get(f"/runs/{run}/rounds/1")["tasks"]
    assert task["state"] == "rejected"
    reason = "The update could not be audited: an unexpected ZeroDivisionError."
    assert task["reason"] == reason


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_trouble_of_the_master_itself_is_no_verdict(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> bool:
        raise error

    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    with monkeypatch.context() as patch:
        patch.setattr(audit_jobs, "sketch_of", fail)
        federation.deliver(a, trained(a, 1.0, 10))
        assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "submitted"
    clock.tick(6)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_a_worker_that_dies_again_and_again_accepts_nothing_and_holds_up_no_round_for_ever(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise WorkerDied("It ended")

    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    a = federation.site("clinic-a")
    run = federation.run(**(PLAN | {"deadline_seconds": 90}))
    monkeypatch.setattr(federation.evaluator, "report", die)
    federation.deliver(a, knowing(a, 9.0, 10))
    clock.tick(100)
    assert federation.settle() <= clock() + 600
    assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "submitted"
    # 600 seconds behind the deadline, which was 10 seconds ago.
    clock.tick(589)
    federation.settle()
    assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "submitted"
    clock.tick(2)
    federation.settle()
    view = federation.get(f"/runs/{run}")
    assert (view["state"], view["tasks"][0]["state"]) == ("failed", "rejected")
    assert "no verdict within 10 minutes" in view["reason"]


def test_a_model_that_computes_no_numbers_is_rejected() -> None:
    measurement = Measurement(problem="The model computes values that are not numbers", broken=True)
    verdict = judge(
        document(), changed=True, measurement=measurement, policy=AuditPolicy(), asked=Asked()
    )
    assert not verdict.accepted


def test_a_claim_far_above_the_measurement_is_noted_or_rejected_as_the_plan_says() -> None:
    claim = document(metrics={"val_accuracy": 1.0, "val_examples": 200.0})
    for policy, accepted in ((AuditPolicy(), True), (AuditPolicy(on_gap="reject"), False)):
        verdict = judge(claim, changed=True, measurement=report(0.5), policy=policy, asked=Asked())
        assert verdict.accepted is accepted
        assert "claims 100.0% on 200 of its own" in verdict.reasons[-1]


def test_a_lucky_claim_on_two_pictures_is_within_the_standard_error() -> None:
    claim = document(metrics={"val_accuracy": 1.0, "val_examples": 2.0})
    policy = AuditPolicy(on_gap="reject")
    assert judge(
        claim, changed=True, measurement=report(0.5), policy=policy, asked=Asked()
    ).accepted


def test_the_standard_error_is_that_of_two_proportions() -> None:
    # Smoothed accuracy (49 + 1) / (98 + 2) = 0.5; sqrt(0.25 * (1/98 + 1/50))
    assert standard_error(0.5, 98, 50) == pytest.approx((0.25 * (1 / 98 + 1 / 50)) ** 0.5)


@given(
    pool=st.integers(0, 10_000),
    merits=st.dictionaries(st.text(max_size=4), st.floats(0, 1), max_size=8),
)
def test_shares_sum_to_the_pool_exactly(pool: int, merits: dict[str, float]) -> None:
    shares = share_out(pool, merits)
    assert sum(shares.values()) == (pool * 1000 if any(merits.values()) else 0)
    for one in shares:
        for other in shares:
            if merits[one] > merits[other]:
                assert shares[one] >= shares[other]


def test_the_remainder_goes_to_the_largest() -> None:
    # 1000 thousandths by 1 : 1 : 1 leave one over; ties go by name.
    assert share_out(1, {"a": 0.5, "b": 0.5, "c": 0.5}) == {"a": 334, "b": 333, "c": 333}
