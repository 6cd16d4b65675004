"""Tasks as they come and go: accepted from the master, dropped, given up when the site pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from child.admission import Admission
from child.store.studies import StudyStore, check_same
from child.store.tasks import TaskStore
from child.training import Training
from federated.errors import Conflict
from federated.messages import Failure, Task
from federated.views import Approval, Limits
from serving.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Tasks:
    """The ways in and out for tasks.

    Attributes:
        expect: Called with each task that lacks blobs, which may come now.
        took: Called with each task that is here with all its blobs.
        deliver: Called with each task that has something to deliver.
        forget: Called with each task of which nothing more is to be told.
        use_threads: Called with the threads that the trainer is to have from its next task on;
            None for as many as it was set up with.
    """

    store: TaskStore
    studies: StudyStore
    admission: Admission
    blobs: BlobStore
    training: Training
    expect: Callable[[Task], None]
    took: Callable[[Task], None]
    deliver: Callable[[str], None]
    forget: Callable[[str], None]
    use_threads: Callable[[int | None], None]

    def accept(self, task: Task) -> None:
        """Queues a task whose weights are here; one that is queued, or further, stays as it is.

        What the site takes no part in now is failed at once, and the master told why.

        Raises:
            NotFound: The study was not pushed.
            Conflict: The study is another one, or the weights are not here.
        """
        check_same(self.studies.get(task.study.id).study, task.study)
        missing = [name for name in task.blobs if not self.blobs.has(name)]
        if missing:
            self.expect(task)
            raise Conflict(
                "Weights that the task names are not here",
                expected="a PUT of each of them, and then the task again",
                received=missing[0],
                code="missing_blob",
            )
        self.admission.plans.met(task)
        if self.store.add(task) or self.store.fetched(task.id):
            self._begin(task)
        self.took(task)

    def refuse(self, task: Task, failure: Failure) -> None:
        """Fails a task that could not be accepted; the master is told as of any failure."""
        if self.store.fail(task.id, failure):
            self.deliver(task.id)

    def drop(self, task_id: str) -> None:
        """Ends a task that the master no longer wants; an unknown one is fine."""
        self.store.end(task_id, "cancelled", "The master no longer waits for this task.")
        self.training.cancel(task_id)
        self.forget(task_id)

    def pause(self, paused: bool) -> None:
        """Stops taking part, giving up what is under way, or takes part again."""
        self.admission.participation.pause(paused)
        self.reconsider()

    def approve_by(self, approval: Approval) -> None:
        """Asks the site's people about each new plan, or asks them no longer."""
        self.admission.participation.approve_by(approval)
        self.reconsider()

    def decide(self, plan: str, decision: Literal["approved", "declined"]) -> None:
        """Approves a plan, or declines it and gives up what is under way by it.

        Raises:
            NotFound: No task came with such a plan.
        """
        self.admission.plans.decide(plan, decision)
        self.reconsider()

    def limit(self, limits: Limits) -> None:
        """Keeps other limits; a task that has begun ends by those that it began with."""
        self.admission.participation.limit(limits)
        self.use_threads(limits.threads)

    def reconsider(self) -> None:
        """Gives up what this site takes no part in any more; what has begun outlasts the hours."""
        for task_id in self.store.in_states("fetching", "queued", "training"):
            held = self.store.get(task_id)
            reason = self.admission.unwanted(held.task) if held is not None else None
            if reason is not None and self.store.fail(task_id, reason):
                self.training.cancel(task_id)
                self.deliver(task_id)

    def _begin(self, task: Task) -> None:
        reason = self.admission.barred(task)
        if reason is None:
            self.training.submit(task.id)
        else:
            self.refuse(task, reason)
