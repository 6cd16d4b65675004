import numpy as np
import pytest

from federated.signature import signature_of
from federated.study import Study
from federated.wire import encode_weights
from tests.child.conftest import STUDY, named, study_push, task_of

WEIGHTS = {"dense/kernel": np.array([[0.25, 4.0]], np.float32)}
BLOB = encode_weights(WEIGHTS)
PUSH = study_push(BLOB, signature_of(WEIGHTS))


def put_study(site, push, path="/api/v1/studies/skin"):
    return site.client.put(path, json=push.model_dump(mode="json"), headers=site.master)


def put_weights(site, sha256, blob):
    return site.client.put(f"/api/v1/weights/{sha256}", data=blob, headers=site.master)


def status(site):
    return site.client.get("/api/v1/status", headers=site.site).json


def test_a_study_asks_for_its_weights_and_has_them_then(site):
    assert put_study(site, PUSH).json == {"missing_blob": True, "missing": [PUSH.weights]}
    assert status(site)["studies"][0]["weights"] is None
    assert put_weights(site, PUSH.weights, BLOB).status_code == 200
    assert put_study(site, PUSH).json == {"missing_blob": False, "missing": []}
    (study,) = status(site)["studies"]
    assert study["weights"] == PUSH.weights
    assert study["statistics"]["all"]["max"] == 4.0
    assert study["statistics"]["tensors"]["dense/kernel"]["mean"] == 2.125
    assert study["received_at"] is not None


def test_weights_stay_current_until_the_next_are_there(site):
    put_study(site, PUSH)
    put_weights(site, PUSH.weights, BLOB)
    later = study_push(
        encode_weights({"dense/kernel": np.ones((1, 2), np.float32)}), PUSH.signature
    )
    put_study(site, later)
    assert status(site)["studies"][0]["weights"] == PUSH.weights


def test_weights_that_nobody_asked_for(site):
    answer = put_weights(site, PUSH.weights, BLOB)
    assert (answer.status_code, answer.json["error"]) == (409, "unexpected_blob")
    assert site.child.blobs.names() == []


def test_weights_with_another_hash_than_announced(site):
    put_study(site, PUSH)
    answer = put_weights(site, PUSH.weights, BLOB[:-1] + b"x")
    assert (answer.status_code, answer.json["error"]) == (422, "hash_mismatch")
    assert site.child.blobs.names() == []


@pytest.mark.parametrize(
    ("weights", "code"),
    [
        ({"dense/kernel": np.ones((2, 2), np.float32)}, "signature_mismatch"),
        ({"other": np.ones((1, 2), np.float32)}, "signature_mismatch"),
        ({"dense/kernel": np.array([[np.nan, 1]], np.float32)}, "not_finite"),
    ],
)
def test_weights_that_do_not_fit_never_become_current(site, weights, code):
    blob = encode_weights(weights)
    push = study_push(blob, PUSH.signature)
    put_study(site, push)
    answer = put_weights(site, push.weights, blob)
    assert (answer.status_code, answer.json["error"]) == (422, code)
    assert site.child.blobs.names() == []
    assert status(site)["studies"][0]["weights"] is None


def test_weights_larger_than_their_signature_allows(site):
    put_study(site, PUSH)
    answer = put_weights(site, PUSH.weights, BLOB + bytes(2 << 20))
    assert (answer.status_code, answer.json["error"]) == (413, "too_large")


def test_text_that_is_no_blob(site):
    push = study_push(b"text", PUSH.signature)
    put_study(site, push)
    answer = put_weights(site, push.weights, b"text")
    assert (answer.status_code, answer.json["error"]) == (422, "not_safetensors")


def test_a_study_at_another_address(site):
    assert put_study(site, PUSH, "/api/v1/studies/other").status_code == 422


def test_a_push_with_a_missing_field(site):
    body = {**PUSH.model_dump(mode="json"), "weights": "zz"}
    answer = site.client.put("/api/v1/studies/skin", json=body, headers=site.master)
    assert answer.status_code == 422
    assert "weights" in answer.json["detail"]


def test_a_study_cannot_change_under_its_pictures(pushed):
    other = Study(id="skin", name="Skin", classes=("benign", "malignant", "wart"), size=12)
    pushed.upload(*named(1))
    answer = put_study(pushed, study_push(BLOB, PUSH.signature, study=other))
    assert (answer.status_code, answer.json["error"]) == (409, "study_changed")
    (view,) = pushed.client.get("/api/v1/images?study=skin", headers=pushed.site).json["images"]
    pushed.client.delete(f"/api/v1/images/{view['id']}?study=skin", headers=pushed.site)
    larger = STUDY.model_copy(update={"size": 16})
    assert put_study(pushed, study_push(BLOB, PUSH.signature, study=larger)).status_code == 200
    assert pushed.upload(*named(1)).status_code == 201


def test_a_task_is_queued_once(pushed):
    task = task_of(pushed.push())
    for _ in range(2):
        answer = pushed.client.post(
            "/api/v1/tasks", json=task.model_dump(mode="json"), headers=pushed.master
        )
        assert answer.status_code == 202
    assert pushed.child.task_store.in_states("queued") == ["task-1"]
    assert status(pushed)["task"]["state"] == "queued"


def test_a_task_whose_weights_are_not_here(pushed):
    task = task_of(pushed.push(), weights="0" * 64)
    answer = pushed.client.post(
        "/api/v1/tasks", json=task.model_dump(mode="json"), headers=pushed.master
    )
    assert (answer.status_code, answer.json["error"]) == (409, "missing_blob")


def test_a_task_of_a_study_that_was_not_pushed(site):
    answer = site.client.post(
        "/api/v1/tasks", json=task_of(PUSH).model_dump(mode="json"), headers=site.master
    )
    assert (answer.status_code, answer.json["error"]) == (404, "unknown_study")


def test_a_dropped_task_is_over(pushed):
    pushed.child.task_store.add(task_of(pushed.push()))
    for name in ("task-1", "unknown"):
        answer = pushed.client.delete(f"/api/v1/tasks/{name}", headers=pushed.master)
        assert answer.status_code == 204
    assert pushed.child.task_store.get("task-1").state == "cancelled"


def test_old_blobs_go_and_those_in_use_stay(pushed):
    first = pushed.push(0.0)
    pushed.child.task_store.add(task_of(first))
    pushes = [pushed.push(value) for value in range(1, 9)]
    names = pushed.child.blobs.names()
    assert first.weights in names
    assert pushes[-1].weights in names
    assert pushes[0].weights not in names


def test_pausing_gives_up_what_is_queued_and_says_so(pushed):
    pushed.child.task_store.add(task_of(pushed.push()))
    answer = pushed.client.put("/api/v1/participation", json={"paused": True}, headers=pushed.site)
    assert answer.json["paused"] is True
    held = pushed.child.task_store.get("task-1")
    assert (held.state, held.failure.code) == ("delivering", "paused")
    pushed.client.put("/api/v1/participation", json={"paused": False}, headers=pushed.site)
    assert not pushed.child.participation.paused()


def test_a_task_that_comes_to_a_paused_site_is_failed_at_once(pushed):
    push = pushed.push()
    pushed.client.put("/api/v1/participation", json={"paused": True}, headers=pushed.site)
    answer = pushed.client.post(
        "/api/v1/tasks", json=task_of(push).model_dump(mode="json"), headers=pushed.master
    )
    assert answer.status_code == 202
    held = pushed.child.task_store.get("task-1")
    assert (held.state, held.failure.code) == ("delivering", "paused")


def test_the_participation_lists_what_left_newest_first(pushed):
    number = pushed.child.departures.leave("PUT", "/api/v1/tasks/t/update", 1234, "ab" * 32)
    pushed.child.departures.answered(number, 200)
    pushed.child.departures.leave("POST", "/api/v1/nodes/n/heartbeat", 56, None)
    listed = pushed.client.get("/api/v1/participation?limit=5", headers=pushed.site).json
    assert [d["nbytes"] for d in listed["departures"]] == [56, 1234]
    assert [d["status"] for d in listed["departures"]] == [None, 200]


def test_a_prediction_before_a_model_came(site):
    put_study(site, PUSH)
    answer = site.post("/api/v1/predict", named(1), {"study": "skin"})
    assert (answer.status_code, answer.json["error"]) == (409, "no_model")


def test_a_prediction_of_no_picture(pushed):
    answer = pushed.post("/api/v1/predict", [("a.jpg", b"text")], {"study": "skin"})
    assert (answer.status_code, answer.json["error"]) == (422, "not_a_picture")
    answer = pushed.post("/api/v1/predict", [], {"study": "skin"})
    assert answer.status_code == 422
    answer = pushed.post("/api/v1/predict", named(1), {"study": "unknown"})
    assert answer.status_code == 404


def post_task(site, task):
    return site.client.post("/api/v1/tasks", json=task.model_dump(mode="json"), headers=site.master)


def other_blob(value):
    return encode_weights({"dense/kernel": np.full((1, 2), value, np.float32)})


def test_the_weights_of_a_task_alone_may_come_once_it_has_asked_for_them(pushed):
    current, blob = pushed.push(), other_blob(3.0)
    push = study_push(blob, PUSH.signature)
    plan = push.plan.model_copy(update={"publish": False})
    task = task_of(push, plan=plan)
    assert put_weights(pushed, push.weights, blob).status_code == 409
    asked = post_task(pushed, task)
    assert (asked.status_code, asked.json["error"]) == (409, "missing_blob")
    assert put_weights(pushed, push.weights, blob[:-1] + b"x").status_code == 422
    assert put_weights(pushed, push.weights, blob).status_code == 200
    assert post_task(pushed, task).status_code == 202
    # The site's people go on with the model that they had.
    assert status(pushed)["studies"][0]["weights"] == current.weights
    # Nothing more is expected: the task has what it needs.
    assert put_weights(pushed, push.weights, blob).status_code == 409


def test_all_models_to_be_measured_stay_until_the_last_of_them_is_here(pushed):
    blobs = [other_blob(float(number)) for number in range(2, 12)]
    pushes = [study_push(blob, PUSH.signature) for blob in blobs]
    models = tuple(push.weights for push in pushes)
    task = task_of(pushes[0], kind="evaluate", models=models)
    assert post_task(pushed, task).status_code == 409
    for push, blob in zip(pushes, blobs, strict=True):
        assert put_weights(pushed, push.weights, blob).status_code == 200
    assert post_task(pushed, task).status_code == 202
    assert set(task.models) <= set(pushed.child.blobs.names())


def test_a_blob_that_does_not_fit_the_task_is_not_kept(pushed):
    blob = encode_weights({"dense/kernel": np.ones((2, 2), np.float32)})
    task = task_of(study_push(blob, PUSH.signature))
    assert post_task(pushed, task).status_code == 409
    answer = put_weights(pushed, task.weights, blob)
    assert (answer.status_code, answer.json["error"]) == (422, "signature_mismatch")
    assert task.weights not in pushed.child.blobs.names()
