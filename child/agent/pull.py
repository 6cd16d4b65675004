"""A child that nobody can call: it asks the master for models and for work."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from child.agent.backoff import Backoff
from child.agent.downloads import Downloads
from child.agent.enrolment import Enrolment
from child.agent.intake import Intake
from child.agent.master_client import MasterClient
from child.agent.model_updates import ModelUpdates
from child.agent.polling import Polling
from child.global_models import GlobalModels
from child.store.studies import StudyStore
from child.store.tasks import TaskStore
from federated.messages import Failure, Progress, StudyPush, Task
from serving.blobs import BlobStore

LONGEST_ABSENCE = 5.0
"""Seconds between two polls while the master is away, at most: a site that comes back late
misses the next round."""
LONGEST_PAUSE = 15.0
"""Seconds between two polls, at most, while the master gives no work or lets none wait."""
STOP_SECONDS = 5.0


class Pull:
    """Everything that takes the place of the master's calls.

    Args:
        client: Calls to the master.
        enrolment: Who this child is.
        studies: The studies held here.
        tasks: The tasks held here.
        models: The global models held here.
        blobs: Their weights.
        accept: Called with each task whose weights are here; raises where it cannot be done.
        report: Called with how far the weights of a task have come; must not block.
        refuse: Called with each task that cannot be done, and why.
        drop: Called with each task of which the master says that it is over.
        changed: Called when a heartbeat should go now.
        rng: Source of chance for delays.
    """

    def __init__(
        self,
        client: MasterClient,
        enrolment: Enrolment,
        studies: StudyStore,
        tasks: TaskStore,
        models: GlobalModels,
        blobs: BlobStore,
        accept: Callable[[Task], None],
        report: Callable[[str, Progress], None],
        refuse: Callable[[Task, Failure], None],
        drop: Callable[[str], None],
        changed: Callable[[], None],
        rng: random.Random,
    ) -> None:
        self._downloads = Downloads(client, enrolment, models, blobs, changed, rng)
        self.updates = ModelUpdates(self._downloads, studies, changed)
        self.polling = Polling(
            client,
            enrolment,
            Intake(client, self._downloads, studies, tasks, accept, report, refuse, drop),
            tasks,
            changed,
            away=Backoff(rng, longest=LONGEST_ABSENCE),
            backoff=Backoff(rng, longest=LONGEST_PAUSE),
        )

    def start(self) -> None:
        """Begins."""
        self.updates.start()
        self.polling.start()

    def stop(self) -> None:
        """Ends; calls under way are for others to break off."""
        self._downloads.stop()
        self.updates.stop()
        self.polling.stop()

    def join(self) -> None:
        """Waits for the end, once the calls under way are broken off."""
        self.updates.join(STOP_SECONDS)
        self.polling.join(STOP_SECONDS)

    def hear(self, models: Iterable[StudyPush]) -> None:
        """The master wants these models held; returns at once."""
        self.updates.hear(models)

    def wake(self) -> None:
        """There may be reason to poll now."""
        self.polling.wake()
