"""What becomes of a task that the master offers: from the weights on, the same as a pushed one.

It is kept here, then told to the master, and only then are its weights fetched: however slow
the line is, the master knows who has the task, and a restart goes on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from child.agent.answers import MasterAway, MasterRefused
from child.agent.delivery import OVER
from child.agent.downloads import Downloads
from child.agent.master_client import MasterClient, Node
from child.agent.reporter import OVER as NO_LONGER_WANTED
from child.store.studies import StudyStore, same_pictures
from child.store.tasks import OPEN, TaskStore
from federated.errors import Conflict, FederationError, InvalidInput
from federated.messages import Failure, Progress, StudyPush, Task

log = logging.getLogger(__name__)

TAKEN = frozenset({"leased", "training"})
"""States in which the master waits for this site to do a task."""

MEGABYTE = 1e6


class NotWanted(Exception):
    """The task whose weights are being fetched is over."""


class Intake:
    """Takes tasks in, and tells the master that they are here.

    Args:
        client: Calls to the master.
        downloads: Fetches weights.
        studies: The studies held here.
        tasks: The tasks held here.
        accept: Called with a task whose weights are here; raises where it cannot be done.
        report: Called with how far the weights of a task have come; must not block. Where the
            master answers that the task is over, it is dropped.
        refuse: Called with a task that cannot be done, and why.
        drop: Called with a task of which the master says that it is over.
    """

    def __init__(
        self,
        client: MasterClient,
        downloads: Downloads,
        studies: StudyStore,
        tasks: TaskStore,
        accept: Callable[[Task], None],
        report: Callable[[str, Progress], None],
        refuse: Callable[[Task, Failure], None],
        drop: Callable[[str], None],
    ) -> None:
        self._client = client
        self._downloads = downloads
        self._studies = studies
        self._tasks = tasks
        self._accept = accept
        self._report = report
        self._refuse = refuse
        self._drop = drop

    def take(self, node: Node, task: Task) -> bool:
        """Keeps a task, to tell the master of it and then to fetch its weights.

        Returns:
            Whether it is to be done here now.

        Raises:
            MasterAway: The master did not answer whether it wants a task again.
            MasterRefused: It does not know this child.
        """
        # A master that restored an older state asks again for what it lost. But an answer that
        # crossed with this poll may have told it just now, so it says once more what it wants.
        over = self._tasks.is_over(task.id)
        if over and self._tell(node, task) not in TAKEN:
            return False
        if not self._tasks.add(task, "fetching") and over:
            self._tasks.renew(task.id)
        return True

    def bring(self, task_id: str) -> bool:
        """Has the weights of a task here, or a failure of it to deliver.

        Returns:
            Whether it can be done here now.

        Raises:
            MasterAway: The weights are not here yet; the same again later is right.
            MasterRefused: The master does not know this child.
        """
        held = self._tasks.get(task_id)
        if held is None:
            return False
        try:
            self._fetch(held.task)
            self._accept(held.task)
            # A site may take no part in it: to ask for the next at once would be a busy loop.
            return self._tasks.is_to_train(task_id)
        except NotWanted:
            log.info("The weights of task %s are not fetched: it is over", task_id)
        except MasterAway:
            raise
        except Exception as error:
            if isinstance(error, MasterRefused) and error.status == 401:
                raise
            failure = failure_of(error)
            log.warning("Task %s cannot be done here: %s", task_id, failure.detail)
            self._refuse(held.task, failure)
        return False

    def acknowledge(self, node: Node, task_id: str) -> None:
        """Tells the master that a task is here, unless it is over.

        Raises:
            MasterAway: The master did not answer.
            MasterRefused: The master does not know this child.
        """
        held = self._tasks.get(task_id)
        if held is None or held.state not in OPEN:
            return
        try:
            if self._tell(node, held.task) in NO_LONGER_WANTED:
                self._drop(task_id)
        except MasterRefused as error:
            if error.status not in OVER:
                raise
            # A heartbeat's answer says whether it is to be dropped.
            log.warning("The master does not hear of task %s: %s", task_id, error.detail)

    def _tell(self, node: Node, task: Task) -> str:
        return self._client.progress(node, task.id, Progress(epochs=task.training.epochs))

    def _fetch(self, task: Task) -> None:
        """Has the task's study and weights here.

        A task may start from older weights than the current ones, or belong to a run that is
        only compared with others. So it decides on the model that the site's people use only
        where there is none for its pictures, and its run's model is to be theirs.
        """
        watch = partial(self._arrived, task)
        held = self._studies.find(task.study.id)
        has_model = (
            held is not None and held.current is not None and same_pictures(held.study, task.study)
        )
        if task.plan.publish and not has_model:
            self._downloads.model(model_of(task), watch)
        elif held is None:
            self._studies.want(model_of(task))
        self._downloads.blobs(task.blobs, watch)

    def _arrived(self, task: Task, here: int) -> None:
        """Tells how far the weights are, which renews the lease; ends what nobody waits for."""
        held = self._tasks.get(task.id)
        if held is None or held.state != "fetching":
            raise NotWanted
        self._report(task.id, progress_of(task, here))


def model_of(task: Task) -> StudyPush:
    """The study of a task, with the model that it starts from."""
    return StudyPush(
        study=task.study,
        plan=task.plan,
        signature=task.signature,
        weights=task.weights,
        frozen=task.frozen,
        frozen_signature=task.frozen_signature,
        run=task.run if task.base_round else None,
        round=task.base_round,
    )


def progress_of(task: Task, here: int) -> Progress:
    """How far a task is, so many bytes of whose blobs are here."""
    # A file's header is no part of what its signature counts.
    total = sum(signature.nbytes for signature in task.blobs.values())
    done, whole = min(here, total) / MEGABYTE, total / MEGABYTE
    return Progress(
        epochs=task.training.epochs, note=f"fetching the model, {done:.1f} of {whole:.1f} MB"
    )


def failure_of(error: Exception) -> Failure:
    """What the master is told of a task that cannot be done; never a path or a trace."""
    if isinstance(error, MasterRefused):
        # The code is the master's own word, which may be anything.
        return Failure(code="weights_refused", detail=error.detail[:500])
    if isinstance(error, Conflict | InvalidInput):
        return Failure(code=error.code, detail=error.detail[:500])
    if isinstance(error, FederationError):
        return Failure(code=error.code, detail=f"{error.problem}."[:500])
    if isinstance(error, OSError):
        log.error("A task could not be kept", exc_info=error)
        return Failure(code="storage_failure", detail="The site's disk refused the weights.")
    log.error("A task met an error that it did not expect", exc_info=error)
    return Failure(
        code="internal_error", detail=f"The site met an unexpected {type(error).__name__}."
    )
