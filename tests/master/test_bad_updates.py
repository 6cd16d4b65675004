"""Every wrong update gets a clear error, and leaves nothing behind."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load, save

from federated.wire import MAX_DOCUMENT, METADATA_KEY
from federated.wire_checks import largest_update
from master import update_ingestion
from master.update_ingestion import receive_update
from serving.worker import WorkerFailed
from tests.master.federation import ChildInTest, Federation, base_of, trained, update_of
from tests.master.test_evaluation_jobs import upload

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}


@pytest.fixture
def child(federation: Federation) -> ChildInTest:
    federation.study()
    child = federation.site("clinic-a", labelled=20)
    federation.run(**PLAN)
    return child


def forged(child: ChildInTest, **facts: object) -> bytes:
    """An honest update whose document says something else."""
    document = {
        "format": 1,
        "task": child.tasks[-1].id,
        "kind": "weights",
        "base": child.tasks[-1].weights,
        "encoding": "float32",
        "num_examples": 10,
        "num_steps": 1,
        "metrics": {},
        "hyperparameters": {},
    } | facts
    text = json.dumps(document, sort_keys=True)
    return save(load(trained(child, 1.0, 10)), metadata={METADATA_KEY: text})


def without_a_tensor(child: ChildInTest) -> bytes:
    weights = base_of(child)
    del weights["dense/bias"]
    return update_of(child.tasks[-1], weights, num_examples=10)


def with_a_strange_tensor(child: ChildInTest) -> bytes:
    weights = base_of(child) | {"strange": np.zeros(2, np.float32)}
    return update_of(child.tasks[-1], weights, num_examples=10)


def with_a_wrong_shape(child: ChildInTest) -> bytes:
    weights = base_of(child) | {"dense/bias": np.zeros(3, np.float32)}
    return update_of(child.tasks[-1], weights, num_examples=10)


def with_a_wrong_dtype(child: ChildInTest) -> bytes:
    weights = base_of(child) | {"dense/bias": np.zeros(2, np.float64)}
    return update_of(child.tasks[-1], weights, num_examples=10)


def with_nan(child: ChildInTest) -> bytes:
    weights = base_of(child) | {"dense/bias": np.array([1, np.nan], np.float32)}
    return update_of(child.tasks[-1], weights, num_examples=10)


def with_infinity(child: ChildInTest) -> bytes:
    weights = base_of(child) | {"dense/bias": np.array([1, np.inf], np.float32)}
    return update_of(child.tasks[-1], weights, num_examples=10)


FAULTS: dict[str, tuple[Callable[[ChildInTest], bytes], str]] = {
    "missing tensor": (without_a_tensor, "signature_mismatch"),
    "strange tensor": (with_a_strange_tensor, "signature_mismatch"),
    "wrong shape": (with_a_wrong_shape, "signature_mismatch"),
    "wrong dtype": (with_a_wrong_dtype, "signature_mismatch"),
    "nan": (with_nan, "not_finite"),
    "infinity": (with_infinity, "not_finite"),
    "no examples": (lambda child: forged(child, num_examples=0), "bad_num_examples"),
    "negative examples": (lambda child: forged(child, num_examples=-5), "bad_num_examples"),
    "10^12 examples": (lambda child: forged(child, num_examples=10**12), "bad_num_examples"),
    "half an example": (lambda child: forged(child, num_examples=10.5), "bad_num_examples"),
    "more than announced": (lambda child: forged(child, num_examples=21), "bad_num_examples"),
    "more judged than announced": (
        lambda child: forged(child, metrics={"val_accuracy": 1.0, "val_examples": 11.0}),
        "bad_num_examples",
    ),
    "another task": (lambda child: forged(child, task="another-1-1"), "wrong_task"),
    "another base": (lambda child: forged(child, base="0" * 64), "wrong_base"),
    "no document": (lambda child: save(base_of(child)), "bad_metadata"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_content_is_rejected_with_the_reason(
    federation: Federation, child: ChildInTest, fault: str
) -> None:
    make, code = FAULTS[fault]
    update, blobs = make(child), federation.services.blobs.names()
    (task,) = child.tasks
    answer = federation.deliver(child, update, task.id)
    assert answer.status_code == 422
    assert answer.get_json()["error"] == code
    run = federation.get("/runs")["runs"][0]
    view = federation.get(f"/runs/{run['id']}/rounds/1")
    assert view["tasks"][0]["state"] == "rejected"
    assert view["tasks"][0]["reason"] == answer.get_json()["detail"]
    assert view["updates"][0]["audit"]["reasons"] == [answer.get_json()["detail"]]
    # Nobody else could answer: the round is extended, and the site asked once more.
    assert (run["state"], len(child.tasks)) == ("running", 2)
    assert federation.services.blobs.names() == blobs
    again = federation.deliver(child, update, task.id)
    assert (again.status_code, again.get_json()) == (422, answer.get_json())


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_truncated_body_leaves_the_task_as_it_is(
    federation: Federation, child: ChildInTest, cut: int
) -> None:
    whole, blobs = trained(child, 1.0, 10), federation.services.blobs.names()
    answer = federation.deliver(child, whole[:cut])
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "not_safetensors"
    assert federation.services.blobs.names() == blobs
    assert federation.deliver(child, whole).status_code == 200


def test_a_body_shorter_than_its_announced_length_is_truncated(
    federation: Federation, child: ChildInTest
) -> None:
    import io

    from federated.errors import BrokenTransport

    whole = trained(child, 1.0, 10)
    with pytest.raises(BrokenTransport, match="truncated"):
        receive_update(
            federation.services, child.id, child.tasks[-1].id, io.BytesIO(whole), len(whole) + 1
        )
    assert federation.deliver(child, whole).get_json()["state"] == "submitted"


def test_a_body_over_the_limit_is_413_and_leaves_no_file(
    federation: Federation, child: ChildInTest
) -> None:
    answer = federation.deliver(child, b"x" * 3_000_000)
    assert answer.status_code == 413
    assert sorted(p.name for p in federation.services.blobs.root.iterdir()) == (
        federation.services.blobs.names()
    )
    assert federation.deliver(child, trained(child, 1.0, 10)).status_code == 200


def test_the_global_model_sent_back_as_an_update_does_not_delete_it(
    federation: Federation, child: ChildInTest
) -> None:
    stolen = child.blobs[child.tasks[-1].weights]
    assert federation.deliver(child, stolen).status_code == 422
    assert federation.services.blobs.has(child.tasks[-1].weights)


def test_the_same_bytes_for_two_tasks_at_a_time_take_nothing_from_each_other(
    federation: Federation, child: ChildInTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = child.tasks[-1].id
    other = {"name": "Two", "classes": ["benign", "malignant"], "size": 8}
    federation.post("/studies", other)
    counts = {"counts": {"benign": 9, "malignant": 8}}
    body = {"studies": {"skin": counts, "two": counts}}
    federation.post(f"/nodes/{child.id}/heartbeat", body, child.token)
    federation.settle()
    federation.post("/runs", {"study": "two", "plan": PLAN})
    federation.settle()
    second = child.tasks[-1].id
    assert first != second
    moved = {name: array + np.float32(1) for name, array in base_of(child).items()}
    update = update_of(child.tasks[0], moved, num_examples=10, num_steps=0)
    settle, answers = update_ingestion._settle, []

    def overtaken(*arguments: object) -> object:
        monkeypatch.setattr(update_ingestion, "_settle", settle)
        answers.append(federation.deliver(child, update, second).status_code)
        return settle(*arguments)

    monkeypatch.setattr(update_ingestion, "_settle", overtaken)
    assert federation.deliver(child, update, first).status_code == 200
    assert answers == [422]
    assert federation.get(f"/runs/{child.tasks[0].run}")["state"] == "completed"


def test_another_sites_task_does_not_exist_for_a_site(
    federation: Federation, child: ChildInTest
) -> None:
    other = federation.join("clinic-b")
    answer = federation.deliver(other, trained(child, 1.0, 10), task=child.tasks[-1].id)
    assert answer.status_code == 404
    run = federation.get("/runs")["runs"][0]
    assert run["tasks"][0]["state"] == "leased"


def test_the_same_bytes_get_the_same_answer_and_count_once(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 20), federation.site("clinic-b", 20)
    run = federation.run(**PLAN)
    update = trained(a, 1.0, 10)
    answers = [federation.deliver(a, update) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.get_json()["sha256"] for answer in answers}) == 1
    federation.deliver(b, trained(b, 3.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert [u["share"] for u in view["updates"]] == [0.5, 0.5]


def test_other_bytes_are_a_conflict(federation: Federation, child: ChildInTest) -> None:
    federation.site("clinic-b")
    first = trained(child, 1.0, 10)
    federation.deliver(child, first)
    blobs = federation.services.blobs.names()
    answer = federation.deliver(child, trained(child, 2.0, 10))
    assert (answer.status_code, answer.get_json()["error"]) == (409, "other_update")
    assert federation.services.blobs.names() == blobs


def test_text_carries_the_same_update(federation: Federation, child: ChildInTest) -> None:
    update = trained(child, 1.0, 10)
    path = f"/tasks/{child.tasks[-1].id}/update"
    for text, status in (("!" * 20, 422), (base64.b64encode(update).decode(), 200)):
        answer = federation.call("PUT", path, child.token, json={"model": text})
        assert answer.status_code == status
    assert federation.deliver(child, update).status_code == 200


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize(("task", "nbytes", "status"), [("none", 100, 404), (None, 4_000_000, 413)])
def test_a_text_is_read_only_for_a_task_that_is_held_and_up_to_its_size(
    federation: Federation, child: ChildInTest, task: str | None, nbytes: int, status: int
) -> None:
    path = f"/tasks/{task or child.tasks[-1].id}/update"
    answer = federation.call(
        "PUT",
        path,
        child.token,
        input_stream=Unread(b"x" * nbytes),
        content_type="application/json",
    )
    assert answer.status_code == status


def test_the_largest_text_is_hardly_longer_than_the_largest_update(
    federation: Federation, child: ChildInTest
) -> None:
    path, limit = f"/tasks/{child.tasks[-1].id}/update", largest_update(child.tasks[-1].signature)
    fits = base64.b64encode(b"x" * limit).decode()
    assert federation.call("PUT", path, child.token, json={"model": fits}).status_code == 400
    longer = fits + "A" * (2 * MAX_DOCUMENT)
    assert federation.call("PUT", path, child.token, json={"model": longer}).status_code == 413


def test_a_full_disk_loses_nothing(
    federation: Federation, child: ChildInTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    update, blobs = trained(child, 1.0, 10), federation.services.blobs.names()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        answer = federation.deliver(child, update)
        assert (answer.status_code, answer.get_json()["error"]) == (507, "storage_failure")
        assert federation.services.blobs.names() == blobs
    assert federation.deliver(child, update).status_code == 200


@pytest.mark.parametrize("kind", ["weights", "delta"])
@pytest.mark.parametrize("encoding", ["float32", "float16", "int8"])
def test_every_form_of_an_update_comes_to_the_same_model(
    federation: Federation, child: ChildInTest, kind: str, encoding: str
) -> None:
    base = base_of(child)
    weights = {name: array + np.float32(0.5) for name, array in base.items()}
    from federated.wire import UpdateDocument, encode_update

    task = child.tasks[-1]
    document = UpdateDocument.model_validate(
        {
            "task": task.id,
            "base": task.weights,
            "num_examples": 10,
            "num_steps": 1,
            "kind": kind,
            "encoding": encoding,
        }
    )
    assert federation.deliver(child, encode_update(weights, document, base=base)).status_code == 200
    run = federation.get("/runs")["runs"][0]
    after = federation.weights(run["weights"])
    for name, array in weights.items():
        np.testing.assert_allclose(after[name], array, atol=0.02)


@pytest.mark.parametrize("num_steps", [0, 3])
def test_no_change_is_rejected_whatever_steps_are_claimed(
    federation: Federation, child: ChildInTest, num_steps: int
) -> None:
    for _ in range(2):
        federation.deliver(child, trained(child, 0.0, 10, num_steps=num_steps))
    run = federation.get("/runs")["runs"][0]
    assert run["state"] == "failed"
    assert "No weight has changed, although the task was 1 epoch." in run["reason"]
    assert federation.get("/nodes")["nodes"][0]["standing"] == "watched"


def test_no_change_is_right_where_the_plan_trains_nothing(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    child = federation.site("clinic-a")
    run = federation.run(**PLAN | {"training": {"epochs": 0}})
    federation.deliver(child, trained(child, 0.0, 10, num_steps=0))
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    (update,) = federation.get(f"/runs/{run}/rounds/1")["updates"]
    assert update["audit"]["measured"]["num_examples"] == 8


def test_where_scores_are_needed_an_update_without_one_is_rejected_and_the_run_goes_on(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    sites = [federation.site(f"clinic-{name}") for name in "abc"]
    run = federation.run(**PLAN | {"strategy": {"name": "best_k", "settings": {"k": 1}}}, quorum=2)
    answered = federation.evaluator.answered
    for child in sites:
        with monkeypatch.context() as patch:
            if child is sites[1]:
                patch.setattr(federation.evaluator, "answered", unmeasured)
            federation.deliver(child, trained(child, 1.0 + sites.index(child), 10))
    assert federation.evaluator.answered == answered
    assert federation.get(f"/runs/{run}")["state"] == "completed"
    found = federation.get(f"/runs/{run}/rounds/1")["updates"]
    assert [update["status"] for update in found] == ["accepted", "rejected", "accepted"]
    assert (
        "by the accuracy of each update, and this one has none" in found[1]["audit"]["reasons"][-1]
    )
    assert federation.get("/nodes")["nodes"][1]["standing"] == "checked"


def unmeasured(*_: object) -> None:
    raise WorkerFailed("It could not be done")
