"""A real trainer process, and a `Training` that does one task at a time for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors.numpy import load

from child.training import Training
from child.training_request import Site as TrainingSite
from federated.messages import StudyPush
from federated.plan import ModelChoice, Plan, Privacy
from federated.plan import Training as Settings
from federated.wire import encode_weights, read_update_document
from serving.blobs import open_blob
from serving.worker import Worker, worker_environment
from tests.child.conftest import STUDY, study_push

SMALL = ModelChoice(name="cnn10", settings={"width": 4, "units": 4})
PLAN = Plan(
    model=SMALL,
    training=Settings(epochs=2, batch_size=4, validation_fraction=0.25),
    privacy=Privacy(min_examples=3),
)


@contextmanager
def trainer(folder: Path) -> Iterator[Worker]:
    """A trainer process that repeats itself to the byte."""
    arguments = ("--threads", "1", "--deterministic", "1")
    worker = Worker("child.trainer", arguments, worker_environment(os.environ), folder / "log")
    yield worker
    worker.stop()


def initial_model():
    """The initial model's blob and its signature; Keras must be configured."""
    from models.named import build_model

    model = build_model(STUDY, SMALL, seed=3)
    return encode_weights(model.read()), model.signature


def push_model(site, initial, plan=PLAN) -> StudyPush:
    blob, signature = initial
    push = study_push(blob, signature, plan)
    site.child.models.push(push)
    site.child.blobs.put(blob)
    site.child.models.push(push)
    return push


class Bench:
    """A `Training` without its thread, and what it told."""

    def __init__(self, site, worker, least=1):
        child = site.child
        self.site = TrainingSite(
            child.pictures,
            child.folder,
            child.task_store,
            child.admission,
            child.blobs,
            least,
            child.state.drafts,
            child.batches,
            child.statistics,
            child.controls,
            child.round_figures,
        )
        self.child = child
        self.progress = []
        self.finished = []
        self.training = Training(
            self.site, worker, lambda _task, p: self.progress.append(p), self.finished.append
        )

    def do(self, task):
        """Accepts and does a task; returns it as it is held then."""
        self.child.task_store.add(task)
        self.training._do(task.id)
        return self.child.task_store.get(task.id)

    def update(self, held):
        """An update's document and tensors."""
        path = self.child.blobs.path(held.update_sha256)
        with open_blob(path) as blob:
            return read_update_document(blob), load(path.read_bytes())
