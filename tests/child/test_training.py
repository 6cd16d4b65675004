"""Real trainings in a real trainer process, on pictures of 12 px; no other thread runs."""

import hashlib
import os
import signal
import threading
import time

import numpy as np
import pytest
from safetensors.numpy import load
from sqlalchemy.exc import OperationalError

from child.pictures import PictureFolder
from child.training import Training, failure_of
from child.training_request import training_request
from child.worker_messages import Examples
from federated.errors import Conflict, NotFound
from federated.plan import ModelChoice, Plan, Privacy, StrategyChoice
from federated.plan import Training as Settings
from federated.training import EarlyStopping, Schedule
from federated.wire import encode_weights
from serving.worker import Worker, WorkerDied, WorkerFailed, worker_environment
from tests.child.bench import PLAN, SMALL, Bench, push_model
from tests.child.conftest import STUDY, named, task_of


@pytest.fixture
def bench(site, worker, initial):
    site.push_initial = push_model(site, initial)
    site.upload(*named(12))
    bench = Bench(site, worker)
    bench.push = site.push_initial
    return bench


def test_a_task_becomes_an_update(bench, initial):
    held = bench.do(task_of(bench.push))
    assert (held.state, bench.finished) == ("delivering", ["task-1"])
    document, tensors = bench.update(held)
    assert (document.task, document.base) == ("task-1", bench.push.weights)
    # 8 benign and 4 malignant pictures, a quarter of each class kept back.
    assert document.num_examples == 9
    # 9 pictures in batches of 4 are 3 steps, twice.
    assert document.num_steps == 6
    assert document.metrics["val_examples"] == 3
    assert set(document.metrics) == {
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "val_balanced_accuracy",
        "val_auc",
        "val_f1",
        "val_sensitivity_at_90",
        "val_examples",
        "seconds",
    }
    assert document.hyperparameters == {
        "epochs": 2,
        "batch_size": 4,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "loss": "cross_entropy",
        "validation_fraction": 0.25,
    }
    before = load(initial[0])
    assert {name: array.shape for name, array in tensors.items()} == {
        name: array.shape for name, array in before.items()
    }
    assert any((tensors[name] != before[name]).any() for name in before)
    assert bench.progress[-1].epoch == 2
    assert bench.progress[-1].num_examples == 9
    assert list(bench.child.state.drafts.iterdir()) == []


def test_the_validation_part_ends_a_training_and_the_update_names_every_setting(bench):
    settings = Settings(
        epochs=40,
        batch_size=4,
        learning_rate=0.05,
        schedule=Schedule(kind="cosine", final=0.5),
        early_stopping=EarlyStopping(patience=2),
    )
    plan = PLAN.model_copy(update={"training": settings, "rounds": 5})
    document, _ = bench.update(bench.do(task_of(bench.push, plan=plan)))
    assert document.hyperparameters == {
        "epochs": 40,
        "batch_size": 4,
        "optimizer": "adam",
        "learning_rate": 0.05,
        "loss": "cross_entropy",
        "schedule.kind": "cosine",
        "schedule.over": "run",
        "schedule.warmup": 0.0,
        "schedule.final": 0.5,
        "early_stopping.patience": 2,
        "early_stopping.monitor": "val_loss",
        "early_stopping.min_delta": 0.0,
    }
    kept = document.metrics["kept_epoch"]
    # The steps behind the weights: 9 or 10 pictures in batches of 4 are 3 an epoch.
    assert document.num_steps == 3 * kept
    assert 1 <= kept <= 40


def test_too_few_pictures_that_judge_still_end_a_training_and_tell_nothing(bench):
    stopping = EarlyStopping(patience=1)
    settings = Settings(epochs=40, batch_size=4, validation_fraction=0.15, early_stopping=stopping)
    # Of 12 pictures 2 judge, and this site tells of no fewer than 3.
    document, _ = bench.update(
        bench.do(task_of(bench.push, plan=PLAN.model_copy(update={"training": settings})))
    )
    assert {name: value for name, value in document.metrics.items() if "val_" in name} == {
        "val_examples": 2
    }
    assert document.metrics["kept_epoch"] >= 1


def test_figures_before_and_after_stay_at_the_site(bench):
    settings = Settings(epochs=0, batch_size=4, validation_fraction=0.25)
    task = task_of(bench.push, plan=PLAN.model_copy(update={"training": settings}), round=3)
    document, _ = bench.update(bench.do(task))
    (figures,) = bench.child.round_figures.latest(9)
    assert (figures.run, figures.round) == (task.run, 3)
    # Without an epoch it is the same model, and 3 pictures judge it.
    assert figures.received == figures.trained
    assert figures.received * 3 == pytest.approx(round(figures.received * 3))
    assert "received" not in str(document.metrics)


def test_no_epochs_give_the_same_weights(bench, initial):
    plan = PLAN.model_copy(update={"training": Settings(epochs=0, validation_fraction=0)})
    document, tensors = bench.update(bench.do(task_of(bench.push, plan=plan)))
    assert (document.num_examples, document.num_steps) == (12, 0)
    assert set(document.metrics) == {"seconds"}
    before = load(initial[0])
    assert all((tensors[name] == before[name]).all() for name in before)


def test_the_order_of_upload_does_not_change_the_update(bench, make_child, worker, initial, clock):
    from tests.child.conftest import Site

    first = bench.update(bench.do(task_of(bench.push)))[1]
    child = make_child(state=bench.child.state.root.parent / "other")
    other = Site(
        child,
        child.app.test_client(),
        clock,
        site={"Authorization": f"Bearer {child.tokens.mint('site')}"},
    )
    push = push_model(other, initial)
    for file in reversed(named(12)):
        other.upload(file)
    again = Bench(other, worker)
    second = again.update(again.do(task_of(push)))[1]
    assert all((first[name] == second[name]).all() for name in first)
    third = again.update(again.do(task_of(push, "task-2", seed=8)))[1]
    assert any((first[name] != third[name]).any() for name in first)


def test_a_site_with_too_few_pictures_says_so(bench):
    plan = PLAN.model_copy(update={"privacy": Privacy(min_examples=13)})
    held = bench.do(task_of(bench.push, plan=plan))
    assert (held.state, held.failure.code) == ("delivering", "too_few_examples")
    assert "at least 13 beside those that only judge. Received 9, and 3" in held.failure.detail


def test_a_plan_that_lets_nearly_all_pictures_judge_cannot_single_out_the_rest(bench):
    sly = Plan(model=SMALL, training=Settings(validation_fraction=0.9), privacy=Privacy())
    held = bench.do(task_of(bench.push, plan=sly))
    assert (held.state, held.failure.code) == ("delivering", "too_few_examples")
    # Nor has it decided for good which pictures judge.
    assert bench.child.pictures.page("skin", part="validation")[1] == 0
    assert bench.update(bench.do(task_of(bench.push, "task-2")))[0].num_examples == 9


def test_a_site_insists_on_its_own_minimum(bench, site, worker):
    # Of 12 pictures 3 judge.
    strict = Bench(site, worker, least=10)
    assert strict.do(task_of(bench.push)).failure.code == "too_few_examples"
    content = Bench(site, worker, least=9)
    assert content.do(task_of(bench.push, "task-2")).failure is None


def test_a_paused_site_says_so(bench):
    bench.child.participation.pause(True)
    assert bench.do(task_of(bench.push)).failure.code == "paused"


def test_a_signature_that_this_site_does_not_build(bench, initial):
    other = bench.push.plan.model_copy(update={"model": ModelChoice(settings={"width": 8})})
    held = bench.do(task_of(bench.push, plan=other))
    assert held.failure.code == "signature_mismatch"


def test_a_model_that_the_catalogue_does_not_have(bench):
    other = bench.push.plan.model_copy(update={"model": ModelChoice(name="none-such")})
    assert bench.do(task_of(bench.push, plan=other)).failure.code == "unknown_model"


def test_a_cancelled_training_ends_without_an_update(bench):
    task = task_of(bench.push, plan=PLAN.model_copy(update={"training": Settings(epochs=1000)}))

    def drop(task_id, progress):
        if progress.step:
            bench.child.task_store.end(task_id, "cancelled")
            bench.training.cancel(task_id)

    bench.training._on_progress = drop
    held = bench.do(task)
    assert (held.state, held.update_sha256, bench.finished) == ("cancelled", None, [])
    assert bench.training.under_way is None


def test_a_trainer_that_is_killed_costs_the_task_and_nothing_else(bench, worker):
    task = task_of(bench.push, plan=PLAN.model_copy(update={"training": Settings(epochs=1000)}))
    killed = []

    def kill(_task, progress):
        if progress.step and not killed:
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    bench.training._on_progress = kill
    held = bench.do(task)
    assert killed
    assert (held.state, held.failure.code) == ("delivering", "trainer_died")
    after = bench.do(task_of(bench.push, "task-2"))
    assert (after.state, after.failure) == ("delivering", None)
    assert worker.pid != killed[0]


def test_a_restart_trains_what_was_interrupted(bench, worker):
    bench.child.task_store.add(task_of(bench.push))
    bench.child.task_store.begin("task-1")
    finished = threading.Event()
    restarted = Training(bench.site, worker, lambda *_: None, lambda _: finished.set())
    restarted.start()
    assert finished.wait(60)
    restarted._jobs.put(None)
    assert bench.child.task_store.get("task-1").update_sha256 is not None


def test_what_the_database_could_not_note_is_done_again(bench, worker, monkeypatch):
    store, finished, tries = bench.child.task_store, threading.Event(), []

    def trained(*update):
        tries.append(update)
        if len(tries) == 1:
            raise OperationalError("UPDATE", {}, Exception("the connection is closed"))
        return type(store).trained(store, *update)

    monkeypatch.setattr(store, "trained", trained)
    monkeypatch.setattr("child.training.RETRY_SECONDS", 0.01)
    store.add(task_of(bench.push))
    training = Training(bench.site, worker, lambda *_: None, lambda _: finished.set())
    training.start()
    assert finished.wait(60)
    training._jobs.put(None)
    held = store.get("task-1")
    assert (held.state, held.failure) == ("delivering", None)
    assert len(tries) == 2
    assert tries[-1] == ("task-1", held.update_sha256)


def test_what_a_stop_breaks_off_is_no_warning(bench, initial, caplog, tmp_path):
    environment = worker_environment(os.environ)
    worker = Worker("child.trainer", ("--threads", "1"), environment, tmp_path / "trainer.log")
    training = Training(bench.site, worker, lambda *_: None, lambda _: None)
    training.prepare(bench.push)
    training.start()
    while not worker.busy:
        time.sleep(0.01)
    training.stop()
    assert not training._thread.is_alive()
    assert [record.message for record in caplog.records] == []


def test_the_order_names_rows_and_class_indices(bench):
    request = training_request(task_of(bench.push), bench.site, lambda _: pytest.fail("not public"))
    places = bench.child.pictures.places("skin")
    chosen = sorted(request.train.rows + request.validation.rows)
    assert chosen == sorted(places.values())
    assert sorted(request.train.labels) == [0] * 6 + [1] * 3
    assert isinstance(request.validation, Examples)


def test_a_missing_blob_is_told_without_a_path(bench):
    task = task_of(bench.push, weights=hashlib.sha256(b"gone").hexdigest())
    failure = bench.do(task).failure
    assert failure.code == "missing_blob"
    assert str(bench.child.state.root) not in failure.detail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorkerDied("The worker ended"), "trainer_died"),
        (WorkerFailed("Out of memory", code="out_of_memory"), "out_of_memory"),
        (Conflict("Paused", code="paused"), "paused"),
        (NotFound("Gone", received="/a/path"), "not_found"),
        (KeyError("patient-17.png"), "internal_error"),
    ],
)
def test_failures_have_a_code_and_no_names(error, code):
    failure = failure_of(error)
    assert failure.code == code
    assert "patient" not in failure.detail
    assert "/a/path" not in failure.detail


def test_a_folder_that_cannot_be_written_to(tmp_path):
    from federated.errors import StorageFailure

    (tmp_path / "pictures").write_bytes(b"a file where the folder would be")
    folder = PictureFolder(tmp_path / "pictures")
    with pytest.raises(StorageFailure):
        folder.keep(STUDY, {"a" * 64: b"png"}, np.zeros((1, *STUDY.picture_shape), np.uint8))


ONE_STEP = Settings(
    batch_size=64, optimizer="sgd", learning_rate=0.25, momentum=0.5, validation_fraction=0.25
)
CONTROLLED = PLAN.model_copy(
    update={"training": ONE_STEP, "strategy": StrategyChoice(name="scaffold")}
)


def everyones(bench, value):
    """The server's control variates, all `value`, kept as if they had been sent."""
    specs = [spec for spec in bench.push.signature.tensors if spec.trainable]
    control = {f"control/{s.name}": np.full(s.shape, value, np.float32) for s in specs}
    return bench.child.blobs.put(encode_weights(control | {"sites": np.float32(3)}))


def controlled(bench, name, **changes):
    return task_of(bench.push, name, plan=CONTROLLED, **changes)


def own_control(bench, task):
    return load(bench.child.controls.place(task.run, task.id).read_bytes())


def split(tensors):
    """An update's weights, and its extras without their prefix."""
    extra = {n.removeprefix("extra/"): t for n, t in tensors.items() if n.startswith("extra/")}
    return {n: t for n, t in tensors.items() if not n.startswith("extra/")}, extra


def test_an_update_tells_what_has_changed_of_the_sites_control_variate(bench, initial):
    before = load(initial[0])
    first = controlled(bench, "task-1")
    weights, change = split(bench.update(bench.do(first))[1])
    names = {f"control/{spec.name}" for spec in bench.push.signature.tensors if spec.trainable}
    assert set(change) == names
    # From the same weights again, and now with controls: one step's gradient is what it was.
    second = controlled(bench, "task-2", control=everyones(bench, 0.125), counted="task-1")
    kept = own_control(bench, first)
    corrected, _ = split(bench.update(bench.do(second))[1])
    after = own_control(bench, second)
    for control in names:
        name = control.removeprefix("control/")
        # Nothing was corrected at first: the mean step is the way gone by the learning rate.
        gradient = (before[name] - weights[name]) / 0.25
        np.testing.assert_allclose(change[control], gradient, atol=1e-6)
        np.testing.assert_array_equal(kept[control], change[control])
        np.testing.assert_allclose(after[control], gradient, atol=1e-5)
        moved = corrected[name] - weights[name]
        np.testing.assert_allclose(moved, -0.25 * (0.125 - gradient), atol=1e-6)


def test_a_task_that_a_crash_has_begun_again_begins_as_it_did(bench, worker):
    bench.do(controlled(bench, "task-1"))
    task = controlled(bench, "task-2", control=everyones(bench, 0.5), counted="task-1")
    request = training_request(task, bench.site, pytest.fail)
    # The trainer has written all that it had to, and then everything was killed.
    worker.call("train", request.model_dump(mode="json"))
    attempt, control = load(request.update.read_bytes()), own_control(bench, task)
    again = bench.update(bench.do(task))[1]
    for name, tensor in attempt.items():
        np.testing.assert_array_equal(again[name], tensor)
    for name, tensor in control.items():
        np.testing.assert_array_equal(own_control(bench, task)[name], tensor)
    left = set(bench.child.state.controls.iterdir())
    assert left == {bench.child.controls.place("run-1", f"task-{number}") for number in (1, 2)}


def test_a_lost_control_variate_is_taken_to_be_the_common_one(bench):
    bench.do(controlled(bench, "task-1"))
    bench.child.controls.place("run-1", "task-1").write_bytes(b"not a blob")
    task = controlled(bench, "task-2", control=everyones(bench, 0.5), counted="task-1")
    _, change = split(bench.update(bench.do(task))[1])
    for name, tensor in own_control(bench, task).items():
        np.testing.assert_allclose(tensor, 0.5 + change[name], rtol=1e-6)


def test_a_site_that_comes_late_has_none_of_its_own_yet(bench):
    task = controlled(bench, "task-9", control=everyones(bench, 0.5))
    _, change = split(bench.update(bench.do(task))[1])
    for name, tensor in own_control(bench, task).items():
        np.testing.assert_array_equal(tensor, change[name])
