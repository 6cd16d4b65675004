"""A task whose weights come over a slow line: the master hears of it before and meanwhile."""

import itertools
import random
import threading
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from child.agent.answers import MasterAway
from child.agent.downloads import Downloads
from child.agent.intake import Intake
from federated.signature import signature_of
from federated.wire import encode_weights
from tests.child.conftest import study_push, task_of
from tests.child.pull_master import Reply


@pytest.fixture
def push(asked):
    """A model of 0.8 MB at the master."""
    weights = {"dense/kernel": np.random.default_rng(5).random((400, 500), np.float32)}
    blob = encode_weights(weights)
    asked.keep(blob)
    return study_push(blob, signature_of(weights))


@pytest.fixture
def slow(pulling):
    """An intake whose line brings something every two seconds, and each report at once."""
    child, times = pulling.child, itertools.count(0, 2)
    downloads = Downloads(
        child.client,
        child.enrolment,
        child.models,
        child.blobs,
        lambda: None,
        random.Random(1),
        lambda: next(times),
    )
    downloads._stopped.wait = lambda _: False

    def report(task_id, progress):
        child.reporter.report(task_id, progress)
        child.reporter.send()

    intake = Intake(
        child.client,
        downloads,
        child.studies,
        child.task_store,
        child.tasks.accept,
        report,
        child.tasks.refuse,
        child.tasks.drop,
    )
    return SimpleNamespace(intake=intake, downloads=downloads, node=child.enrolment.node)


def take(slow, task):
    assert slow.intake.take(slow.node, task)
    slow.intake.acknowledge(slow.node, task.id)


def notes(asked):
    return [call.json["note"] for call in asked.calls if call.path.endswith("/progress")]


def broken(cuts):
    """Replies that break off after so many bytes each, so that a transfer takes its time."""
    return deque([Reply(cut=cut) for cut in cuts])


def test_the_master_knows_who_has_a_task_before_a_byte_of_its_weights_comes(
    slow, pulling, asked, push
):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    assert asked.states["task-1"] == "leased"
    assert asked.paths("weights") == []
    # Heartbeats renew its lease from now on, and nothing is trained yet.
    pulling.child.heartbeats.beat()
    assert asked.calls[-1].json["tasks"] == ["task-1"]
    assert pulling.child.task_store.in_states("queued", "training") == []


def test_a_slow_transfer_is_told_every_few_seconds(slow, pulling, asked, push):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    asked.faults["weights"] = broken([100_000] * 7)
    assert slow.intake.bring("task-1")
    told = [note for note in notes(asked) if note]
    assert len(told) >= 7
    assert told[0] == "fetching the model, 0.1 of 0.8 MB"
    assert told == sorted(told)
    reports = [call.json for call in asked.calls if call.path.endswith("/progress")]
    epochs = {(report["epoch"], report["epochs"]) for report in reports}
    assert epochs == {(0, 1)}
    assert pulling.child.task_store.get("task-1").state == "queued"


def test_a_frozen_part_comes_like_the_weights_and_counts_with_them(slow, pulling, asked, push):
    base = {"base/kernel": np.random.default_rng(6).random((200, 500), np.float32)}
    blob = encode_weights(base)
    frozen = asked.keep(blob)
    parts = {"frozen": frozen, "frozen_signature": signature_of(base)}
    task = task_of(push, **parts)
    asked.offer(task)
    take(slow, task)
    # The line breaks in each of the two files, and each goes on where it broke.
    asked.faults["weights"] = broken([100_000] * 6)
    assert slow.intake.bring("task-1")
    told = [note for note in notes(asked) if note]
    assert told == sorted(told)
    assert told[0] == "fetching the model, 0.1 of 1.2 MB"
    assert any(float(note.split()[3]) > 0.8 for note in told)
    held = pulling.child.studies.get("skin").current
    assert (held.weights, held.frozen) == (push.weights, frozen)
    assert {
        call.headers.get("Range", "bytes=0-") for call in asked.calls if frozen in call.path
    } > {"bytes=0-"}


def test_a_task_that_is_over_at_the_master_is_fetched_no_further(slow, pulling, asked, push):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    asked.states["task-1"] = "cancelled"
    asked.faults["weights"] = broken([1000] * 50)
    assert not slow.intake.bring("task-1")
    assert pulling.child.task_store.get("task-1").state == "cancelled"
    assert len(asked.paths("weights")) < 10
    assert pulling.child.blobs.names() == []
    assert list(pulling.child.blobs.root.iterdir()) == []


def test_a_site_that_pauses_meanwhile_gives_its_task_back(slow, pulling, asked, push):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    pulling.client.put("/api/v1/participation", json={"paused": True}, headers=pulling.site)
    asked.faults["weights"] = broken([1000] * 50)
    assert not slow.intake.bring("task-1")
    pulling.child.delivery.attempt("task-1")
    assert asked.failures["task-1"]["code"] == "paused"
    assert len(asked.paths("weights")) < 10


def test_a_master_that_hears_no_report_ends_no_transfer(slow, pulling, asked, push):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    asked.faults["weights"] = broken([100_000] * 5)
    asked.faults["progress"] = deque([Reply(503)] * 50)
    assert slow.intake.bring("task-1")


def test_a_task_is_told_while_another_transfer_is_waited_for(
    slow, pulling, asked, push, monkeypatch
):
    monkeypatch.setattr("child.agent.downloads.SIGN_SECONDS", 0.01)
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    slow.downloads._one.acquire()
    thread = threading.Thread(target=slow.intake.bring, args=("task-1",))
    thread.start()
    asked.wait_for(lambda: len(asked.paths("progress")) >= 3)
    slow.downloads._one.release()
    thread.join()
    assert notes(asked)[2] == "fetching the model, 0.0 of 0.8 MB"
    assert pulling.child.task_store.get("task-1").state == "queued"


def test_a_transfer_that_is_given_up_for_now_is_gone_on_with(slow, pulling, asked, push):
    task = task_of(push)
    asked.offer(task)
    take(slow, task)
    slow.downloads._stopped.wait = lambda _: True
    asked.faults["weights"] = broken([1000])
    with pytest.raises(MasterAway):
        slow.intake.bring("task-1")
    assert pulling.child.task_store.get("task-1").state == "fetching"
    assert slow.intake.bring("task-1")
    assert pulling.child.task_store.get("task-1").state == "queued"


ASIDE = {"publish": False}


def aside(push):
    """A task of a run that is only compared with others."""
    return task_of(push, plan=push.plan.model_copy(update=ASIDE))


def test_what_is_only_compared_never_becomes_the_sites_model(slow, pulling, asked, push):
    task = aside(push)
    asked.offer(task)
    take(slow, task)
    assert slow.intake.bring("task-1")
    child = pulling.child
    assert child.task_store.get("task-1").state == "queued"
    assert child.studies.get("skin").current is None
    assert child.blobs.has(push.weights)
    # Its heartbeat says that it has no model yet, so the master names the right one.
    child.heartbeats.beat()
    assert asked.calls[-1].json["studies"]["skin"]["weights"] is None


def test_a_task_that_measures_brings_every_model_that_it_names(slow, pulling, asked, push):
    rng = np.random.default_rng(6)
    others = [
        asked.keep(encode_weights({"dense/kernel": rng.random((400, 500), np.float32)}))
        for _ in range(2)
    ]
    task = task_of(push, kind="evaluate", models=(push.weights, *others))
    asked.offer(task)
    take(slow, task)
    assert slow.intake.bring("task-1")
    assert set(pulling.child.blobs.names()) == {push.weights, *others}
    pulling.child.models.tidy()
    assert set(pulling.child.blobs.names()) == {push.weights, *others}
