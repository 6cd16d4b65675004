"""Training seen from the server: a queue of tasks, and the one worker that they go through."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from child.evaluation_request import evaluation_request
from child.public_pictures import GivenUp, PublicPictures
from child.training_request import Site, drafts_of, training_request
from child.worker_messages import (
    EvaluationRequest,
    Examples,
    ModelRequest,
    TrainingRequest,
    TrainingResult,
    Unpacked,
    UnpackRequest,
)
from federated.errors import Conflict, FederationError
from federated.messages import Failure, Progress, StudyPush, Task
from serving.worker import Worker, WorkerDied, WorkerFailed

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""Pause before a task is begun again that the site's database could not tell of."""


class Training:
    """Does the tasks one after the other, in a thread of its own.

    Args:
        site: What it needs of the site.
        worker: The trainer process; module `child.trainer`.
        on_progress: Hears of progress; must not block.
        on_finished: Hears that a task has something to deliver; must not block.
    """

    def __init__(
        self,
        site: Site,
        worker: Worker,
        on_progress: Callable[[str, Progress], None],
        on_finished: Callable[[str], None],
    ) -> None:
        self._site = site
        self._worker = worker
        self._public = PublicPictures(site.batches, self._unpack)
        self._on_progress = on_progress
        self._on_finished = on_finished
        self._jobs: queue.SimpleQueue[str | ModelRequest | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._under_way: str | None = None
        self._given_up = threading.Event()
        self._gathering = False
        self._progress: Progress | None = None
        self._warm: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def start(self) -> None:
        """Begins, with the tasks that a restart interrupted."""
        for task_id in self._site.tasks.in_states("queued", "training"):
            self._jobs.put(task_id)
        self._thread.start()

    def stop(self) -> None:
        """Ends the trainer; the task under way stays to be resumed by the next start."""
        with self._lock:
            self._stopping = True
            self._given_up.set()
        self._jobs.put(None)
        self._worker.stop()
        if self._thread.is_alive():
            # A batch server that is silent cannot be hurried; the next start goes on with it.
            self._thread.join(timeout=1 if self._gathering else 10)

    def submit(self, task_id: str) -> None:
        """Queues a task that is in the store."""
        self._jobs.put(task_id)

    def prepare(self, push: StudyPush) -> None:
        """Has the study's model ready before a task asks for it."""
        self._jobs.put(
            ModelRequest(study=push.study, model=push.plan.model, training=push.plan.training)
        )

    def cancel(self, task_id: str) -> None:
        """Gives up the training of a task, if it is the one under way."""
        with self._lock:
            if self._under_way == task_id:
                self._given_up.set()
                self._worker.cancel()

    def progress(self, task_id: str) -> Progress | None:
        """How far a task is; None where it is not under way or has not begun to fit."""
        with self._lock:
            return self._progress if self._under_way == task_id else None

    @property
    def under_way(self) -> str | None:
        """The task in training."""
        return self._under_way

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopping:
            try:
                if isinstance(job, ModelRequest):
                    self._warm_up(job)
                else:
                    self._do(job)
            except Exception:
                log.exception("The training thread met an error that it did not expect")
                # A task that could not even be noted as failed is still this site's to do.
                if isinstance(job, str) and not self._given_up.wait(RETRY_SECONDS):
                    self._jobs.put(job)

    def _warm_up(self, request: ModelRequest) -> None:
        if request.key in self._warm:
            return
        try:
            self._worker.call("prepare", request.model_dump(mode="json"))
            self._warm.add(request.key)
        except FederationError as error:
            # The task that asks for this model will say so to the master.
            if not self._stopping:
                log.warning("A model could not be made ready: %s", error.detail)

    def _do(self, task_id: str) -> None:
        held = self._site.tasks.get(task_id)
        if held is None:
            return
        self._enter(task_id)
        try:
            if self._site.tasks.begin(task_id):
                self._work_on(held.task)
        except GivenUp:
            log.info("Task %s was given up before it was trained", task_id)
        except OperationalError:
            # That the site's own database is away says nothing of the task.
            raise
        except Exception as error:
            if not self._stopping:
                self._give_up(held.task, failure_of(error))
        finally:
            self._enter(None)

    def _work_on(self, task: Task) -> None:
        trains = task.kind == "train"
        self._prepare(task, None if trains else "measuring models")
        try:
            (self._train if trains else self._evaluate)(task)
        finally:
            drafts_of(task, self._site).remove()

    def _train(self, task: Task) -> None:
        request = training_request(task, self._site, lambda path: self._gather(task, path))
        if self._given_up.is_set():
            raise GivenUp
        if self._carry_out("train", task, request, request.update):
            # After that: a task that is done again begins as it did the first time.
            self._site.statistics.keep(task.run, request.statistics)
            self._on_finished(task.id)

    def _evaluate(self, task: Task) -> None:
        """Measures models that the task names; what comes of it is delivered like an update."""
        request = evaluation_request(task, self._site)
        if self._carry_out("evaluate", task, request, request.result):
            self._on_finished(task.id)

    def _carry_out(
        self, name: str, task: Task, request: TrainingRequest | EvaluationRequest, result: Path
    ) -> bool:
        """Has the trainer write the task's result; whether there is one, and it is still wanted."""
        answer = self._worker.call(
            name,
            request.model_dump(mode="json"),
            lambda event: self._hear(task.id, Progress.model_validate(event)),
        )
        came_to = TrainingResult.model_validate(answer)
        if came_to.cancelled:
            return False
        blob = self._site.blobs.adopt(result)
        self._keep(task, came_to)
        return self._site.tasks.trained(task.id, blob.sha256)

    def _keep(self, task: Task, came_to: TrainingResult) -> None:
        """Notes how the models did on the site's own pictures, for its own people."""
        if task.plan.data.kind != "own":
            return
        if came_to.received is not None and came_to.trained is not None:
            self._site.figures.keep(task, came_to.received, came_to.trained)

    def _gather(self, task: Task, pixels: Path) -> tuple[Examples, Examples]:
        self._gathering = True
        try:
            return self._public.gather(
                task, pixels, lambda note: self._prepare(task, note), self._given_up
            )
        finally:
            self._gathering = False

    def _unpack(
        self, request: UnpackRequest, on_event: Callable[[dict[str, Any]], None]
    ) -> Unpacked:
        answer = self._worker.call("unpack", request.model_dump(mode="json"), on_event)
        return Unpacked.model_validate(answer)

    def _prepare(self, task: Task, note: str | None = None) -> None:
        self._hear(task.id, Progress(epochs=task.training.epochs, note=note))

    def _give_up(self, task: Task, failure: Failure) -> None:
        log.warning("Task %s failed: %s", task.id, failure.detail)
        if failure.code == "trainer_died":
            self._warm.clear()
            self._jobs.put(ModelRequest(study=task.study, model=task.model, training=task.training))
        if self._site.tasks.fail(task.id, failure):
            self._on_finished(task.id)

    def _hear(self, task_id: str, progress: Progress) -> None:
        with self._lock:
            self._progress = progress
        self._on_progress(task_id, progress)

    def _enter(self, task_id: str | None) -> None:
        with self._lock:
            self._under_way, self._progress = task_id, None
            if not self._stopping:
                self._given_up.clear()


def failure_of(error: Exception) -> Failure:
    """What the master is told of an error: a code and a sentence, never a name or a path."""
    if isinstance(error, WorkerDied):
        return Failure(
            code="trainer_died", detail="The training process ended before it had an update."
        )
    if isinstance(error, WorkerFailed | Conflict):
        return Failure(code=error.code, detail=error.detail[:500])
    if isinstance(error, FederationError):
        return Failure(code=error.code, detail=f"{error.problem}."[:500])
    log.error("A task met an error that it did not expect", exc_info=error)
    return Failure(
        code="internal_error", detail=f"The site met an unexpected {type(error).__name__}."
    )
