"""Trainings on public pictures: a real trainer, a real batch server, a site without pictures."""

import os
import resource
import signal
import threading
import time
from dataclasses import dataclass

import pytest

from child.server import Child
from federated.messages import StudyPush
from federated.plan import AssignedBatches, Privacy, RandomSets
from tests.child.batch_server import Batches, BatchServer, batch_server, pack
from tests.child.bench import PLAN, Bench, push_model
from tests.child.conftest import Site, named, task_of

TRAIN, VALIDATION = 6, 3


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return pack(tmp_path_factory.mktemp("pack") / "skin", 3, TRAIN, VALIDATION)


@pytest.fixture
def served(packed):
    with batch_server(packed.folder) as server:
        yield server


@dataclass
class Work:
    """A child without pictures, and tasks for it on the pictures of a server."""

    site: Site
    bench: Bench
    packed: Batches
    served: BatchServer
    push: StudyPush

    @property
    def child(self) -> Child:
        return self.bench.child

    def batch(self, name="task-1", number=0, url=None, **changes):
        data = AssignedBatches(kind="batches", url=url or self.served.url)
        return self.task(name, data, batch=self.packed.assigned(number), **changes)

    def random(self, images, name="task-1", **changes):
        data = RandomSets(kind="random", url=self.served.url, images=images)
        return self.task(name, data, **{"index": self.packed.sha256, **changes})

    def task(self, name, data, **changes):
        # Far more than any site has: it does not hold for pictures that anybody can have.
        privacy = Privacy(min_examples=1000)
        plan = PLAN.model_copy(update={"data": data, "privacy": privacy})
        return task_of(self.push, name, plan=plan, **changes)

    def left(self):
        """Files that a task left behind."""
        state = self.child.state
        return [path.name for path in (*state.drafts.iterdir(), *state.batches.glob("*.part"))]


@pytest.fixture
def make_work(make_child, clock, worker, initial, packed, served, tmp_path):
    def make(name="state", **settings) -> Work:
        child = make_child(state=tmp_path / name, min_examples=50, **settings)
        site = Site(child, child.app.test_client(), clock)
        site.site["Authorization"] = f"Bearer {child.tokens.mint('site')}"
        push = push_model(site, initial)
        return Work(site, Bench(site, worker, least=50), packed, served, push)

    return make


@pytest.fixture
def work(make_work):
    return make_work()


def test_a_site_without_pictures_trains_on_its_batch(work):
    held = work.bench.do(work.batch())
    document, _ = work.bench.update(held)
    assert (document.num_examples, document.metrics["val_examples"]) == (TRAIN, VALIDATION)
    # 6 pictures in batches of 4 are 2 steps, twice.
    assert document.num_steps == 4
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(document.metrics)
    assert work.left() == []


def test_it_tells_what_it_prepares_before_the_first_epoch(work):
    work.bench.do(work.batch())
    prepared = [one for one in work.bench.progress if one.epoch == 0]
    notes = [one.note for one in prepared]
    assert notes[0] is None
    assert notes[1] == "fetching batch 1 of 1"
    assert notes[-1] == f"reading batch 1 of 1, {TRAIN + VALIDATION} pictures so far"
    assert {one.epochs for one in prepared} == {2}
    assert work.bench.progress[-1].epoch == 2


def test_the_sites_own_pictures_are_left_alone(work):
    work.site.upload(*named(12))
    document, _ = work.bench.update(work.bench.do(work.random(10)))
    # 10 of 18 training pictures, and as large a share of the 9 others.
    assert (document.num_examples, document.metrics["val_examples"]) == (10, 5)
    work.child.pictures.confirm("task-1")
    assert work.child.pictures.tally("skin").new_labelled == 12
    assert work.child.pictures.page("skin", part="train")[1] == 0


def test_the_same_task_comes_to_the_same_weights_in_a_fresh_state(make_work):
    def trained(name, seed=7):
        work = make_work(name)
        document, tensors = work.bench.update(work.bench.do(work.random(10, seed=seed)))
        del document.metrics["seconds"]
        return document, {name: array.tobytes() for name, array in tensors.items()}

    first = trained("first")
    assert trained("second") == first
    assert trained("third", seed=8)[1] != first[1]


def test_a_small_cache_takes_a_large_set_but_no_larger_batch(make_work, tmp_path):
    work = make_work(batch_cache_mb=1)
    # Two batches of 0.7 MB; and one of 1.3 MB.
    work.packed = pack(tmp_path / "two", 2, 4, 2, size=(200, 200))
    with batch_server(tmp_path / "two") as work.served:
        document, _ = work.bench.update(work.bench.do(work.random(8)))
    assert document.num_examples == 8
    assert len(list(work.child.state.batches.iterdir())) == 1
    work.packed = pack(tmp_path / "large", 1, 8, 3, size=(200, 200))
    with batch_server(tmp_path / "large") as work.served:
        failure = work.bench.do(work.batch("task-2")).failure
    assert failure.code == "batch_cache_too_small"
    assert "its operator can raise --batch-cache-mb" in failure.detail
    assert work.served.asked == []


def test_a_server_that_the_operator_has_not_named(make_work):
    work = make_work(batch_servers=("https://x.example/skin",))
    failure = work.bench.do(work.batch()).failure
    assert failure.code == "batch_server_not_allowed"
    assert "the operator can add this one with --batch-servers" in failure.detail
    assert work.served.asked == []


def test_a_folder_is_not_read_for_a_master_elsewhere(make_work, packed):
    work = make_work(master="https://master.example")
    failure = work.bench.do(work.batch(url=str(packed.folder))).failure
    assert failure.code == "batch_server_not_allowed"
    assert str(packed.folder) not in failure.detail
    near = make_work("near")
    assert near.bench.do(near.batch(url=str(packed.folder))).failure is None


def test_a_batch_with_other_bytes_than_named(work, packed, tmp_path):
    (tmp_path / "forged").mkdir()
    forged = packed.file(0).read_bytes()[:-1] + b"\0"
    (tmp_path / "forged" / packed.file(0).name).write_bytes(forged)
    with batch_server(tmp_path / "forged") as server:
        failure = work.bench.do(work.batch(url=server.url)).failure
    assert failure.code == "broken_batch"
    assert list(work.child.state.batches.iterdir()) == []
    assert work.left() == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits other processes")
def test_a_disk_that_refuses_the_pixels_fails_the_task_and_keeps_none_of_them(work, worker):
    worker.start()
    before = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    # 9 pictures of 432 bytes behind a header of 4096 would be 7984 bytes.
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        failure = work.bench.do(work.batch()).failure
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, before)
    assert failure.code == "storage_failure"
    assert str(work.child.state.root) not in failure.detail
    assert work.left() == []
    assert work.bench.do(work.batch("task-2")).failure is None


def test_an_index_that_changed_since_the_run_began(work):
    failure = work.bench.do(work.random(10, index="0" * 64)).failure
    assert failure.code == "index_changed"
    assert "another index than when the run began" in failure.detail


def test_classes_that_the_study_does_not_have(work, tmp_path):
    work.packed = pack(tmp_path / "other", 1, 4, 1, classes=("benign", "scar"))
    with batch_server(tmp_path / "other") as server:
        failure = work.bench.do(work.batch(url=server.url)).failure
    assert failure.code == "unknown_label"
    assert work.left() == []


def test_a_paused_site_fetches_nothing(work):
    work.child.participation.pause(True)
    assert work.bench.do(work.batch()).failure.code == "paused"
    assert work.served.asked == []


def test_a_task_that_is_cancelled_while_it_fetches(work):
    work.served.held.clear()

    def drop(task_id, progress):
        if progress.note and progress.note.startswith("fetching batch"):
            work.child.task_store.end(task_id, "cancelled")
            work.bench.training.cancel(task_id)
            work.served.held.set()

    work.bench.training._on_progress = drop
    held = work.bench.do(work.batch())
    assert (held.state, held.failure, work.bench.finished) == ("cancelled", None, [])
    assert list(work.child.state.drafts.iterdir()) == []
    # The next task is not given up with it.
    work.bench.training._on_progress = lambda *_: None
    assert work.bench.do(work.batch("task-2")).failure is None


def test_a_task_that_is_cancelled_while_it_reads(work):
    def drop(task_id, progress):
        if progress.note and progress.note.startswith("reading batch"):
            work.child.task_store.end(task_id, "cancelled")
            work.bench.training.cancel(task_id)

    work.bench.training._on_progress = drop
    assert work.bench.do(work.batch()).state == "cancelled"
    assert work.left() == []


def test_a_trainer_that_is_killed_while_it_fetches_costs_nothing(work, worker):
    worker.start()
    killed = []

    def kill(_task, progress):
        if progress.note == "fetching batch 2 of 3" and not killed:
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
            while worker.pid is not None:
                time.sleep(0.01)

    work.bench.training._on_progress = kill
    held = work.bench.do(work.random(17))
    assert (held.state, held.failure) == ("delivering", None)
    assert killed
    assert worker.pid != killed[0]


def test_a_trainer_that_is_killed_while_it_reads_costs_the_task_and_no_batch(work, worker):
    killed = []

    def kill(_task, progress):
        if progress.note == "reading batch 3 of 3" and not killed:
            # It is asked, and does not answer.
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGSTOP)
            threading.Timer(0.2, os.kill, (worker.pid, signal.SIGKILL)).start()

    worker.start()
    work.bench.training._on_progress = kill
    assert work.bench.do(work.random(17)).failure.code == "trainer_died"
    assert work.left() == []
    asked = len(work.served.asked)
    assert work.bench.do(work.random(17, "task-2")).failure is None
    # The index alone: all batches are here.
    assert len(work.served.asked) == asked + 1
