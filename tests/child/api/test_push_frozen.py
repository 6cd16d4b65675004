"""A study whose model has a frozen part: both blobs are asked for, and neither is enough."""

import hashlib

import numpy as np
import pytest

from federated.signature import signature_of
from federated.wire import encode_weights
from tests.child.api.test_push import put_study, put_weights, status
from tests.child.conftest import study_push, task_of

HEAD = {"output/kernel": np.array([[0.25, 4.0]], np.float32)}
BASE = {"base/kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}
HEAD_BLOB, BASE_BLOB = encode_weights(HEAD), encode_weights(BASE)


def push_on(base_blob=BASE_BLOB, base=BASE, **changes):
    frozen = {
        "frozen": hashlib.sha256(base_blob).hexdigest(),
        "frozen_signature": signature_of(base),
    }
    return study_push(HEAD_BLOB, signature_of(HEAD), **{**frozen, **changes})


PUSH = push_on()


def test_both_parts_are_asked_for_and_one_of_them_is_no_model(site):
    missing = put_study(site, PUSH).json
    assert missing == {"missing_blob": True, "missing": [PUSH.frozen, PUSH.weights]}
    assert put_weights(site, PUSH.weights, HEAD_BLOB).status_code == 200
    assert status(site)["studies"][0]["weights"] is None
    assert put_study(site, PUSH).json["missing"] == [PUSH.frozen]
    assert put_weights(site, PUSH.frozen, BASE_BLOB).status_code == 200
    (study,) = status(site)["studies"]
    assert (study["weights"], study["frozen"]) == (PUSH.weights, PUSH.frozen)


def test_the_next_round_asks_for_what_is_trained_alone(site):
    put_study(site, PUSH)
    put_weights(site, PUSH.frozen, BASE_BLOB)
    put_weights(site, PUSH.weights, HEAD_BLOB)
    later = encode_weights({"output/kernel": np.array([[1.5, -2.0]], np.float32)})
    push = push_on(weights=hashlib.sha256(later).hexdigest(), round=1, run="run-1")
    assert put_study(site, push).json["missing"] == [push.weights]


def test_the_same_head_on_another_base_is_another_model(site):
    put_study(site, PUSH)
    put_weights(site, PUSH.frozen, BASE_BLOB)
    put_weights(site, PUSH.weights, HEAD_BLOB)
    other = {"base/kernel": BASE["base/kernel"] + 1}
    blob = encode_weights(other)
    push = push_on(blob, other)
    assert put_study(site, push).json["missing"] == [push.frozen]
    assert status(site)["studies"][0]["frozen"] == PUSH.frozen
    put_weights(site, push.frozen, blob)
    assert status(site)["studies"][0]["frozen"] == push.frozen
    beat = site.child._compose()
    assert beat.studies["skin"].frozen == push.frozen


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ({"base/kernel": np.ones((3, 3), np.float32)}, "signature_mismatch"),
        ({"base/kernel": np.full((2, 3), np.inf, np.float32)}, "not_finite"),
    ],
)
def test_a_frozen_part_that_does_not_fit_is_not_kept(site, base, code):
    blob = encode_weights(base)
    push = push_on(blob)
    put_study(site, push)
    answer = put_weights(site, push.frozen, blob)
    assert (answer.status_code, answer.json["error"]) == (422, code)
    assert site.child.blobs.names() == []


def test_a_task_needs_both_parts(site):
    put_study(site, PUSH)
    put_weights(site, PUSH.weights, HEAD_BLOB)
    parts = {"frozen": PUSH.frozen, "frozen_signature": PUSH.frozen_signature}
    body = task_of(PUSH, **parts).model_dump(mode="json")
    answer = site.client.post("/api/v1/tasks", json=body, headers=site.master)
    assert (answer.status_code, answer.json["error"]) == (409, "missing_blob")
    put_weights(site, PUSH.frozen, BASE_BLOB)
    answer = site.client.post("/api/v1/tasks", json=body, headers=site.master)
    assert answer.status_code == 202


def test_the_frozen_part_outlives_many_rounds(site):
    put_study(site, PUSH)
    put_weights(site, PUSH.frozen, BASE_BLOB)
    put_weights(site, PUSH.weights, HEAD_BLOB)
    for number in range(8):
        blob = encode_weights({"output/kernel": np.full((1, 2), number, np.float32)})
        push = push_on(weights=hashlib.sha256(blob).hexdigest(), round=number + 1, run="run-1")
        assert put_study(site, push).json["missing"] == [push.weights]
        put_weights(site, push.weights, blob)
    names = site.child.blobs.names()
    assert PUSH.frozen in names
    assert PUSH.weights not in names


def test_the_base_of_a_run_that_is_only_compared_stays_between_its_rounds(pushed):
    """Nothing names it then: the study's people use another model."""
    sent = 0
    for number in range(8):
        blob = encode_weights({"output/kernel": np.full((1, 2), number, np.float32)})
        push = push_on(weights=hashlib.sha256(blob).hexdigest())
        parts = {"frozen": push.frozen, "frozen_signature": push.frozen_signature}
        plan = push.plan.model_copy(update={"publish": False})
        task = task_of(push, f"task-{number}", plan=plan, **parts)
        body = task.model_dump(mode="json")
        pushed.client.post("/api/v1/tasks", json=body, headers=pushed.master)
        for sha256, part in ((push.frozen, BASE_BLOB), (push.weights, blob)):
            if sha256 not in pushed.child.blobs.names():
                assert put_weights(pushed, sha256, part).status_code == 200
                sent += 1
        answer = pushed.client.post("/api/v1/tasks", json=body, headers=pushed.master)
        assert answer.status_code == 202
        pushed.child.task_store.end(task.id, "accepted")
        pushed.child.models.tidy()
    assert sent == 1 + 8


def test_a_push_names_a_frozen_part_with_its_signature_or_none(site):
    body = {**PUSH.model_dump(mode="json"), "frozen_signature": None}
    answer = site.client.put("/api/v1/studies/skin", json=body, headers=site.master)
    assert answer.status_code == 422
    assert "go together" in answer.json["detail"]
