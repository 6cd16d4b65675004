"""One master, put together, with a lifetime."""

from __future__ import annotations

import logging
import time
import uuid
from pathlib import Path

from master.api.application import create_master_app
from master.child_client import HttpChildClient
from master.coordinator.coordinator import Coordinator
from master.evaluation import WorkerEvaluator
from master.metrics import Metrics
from master.plans import ready_made_plans
from master.polls import PollBoard
from master.presence import Presence
from master.services import Services
from master.settings import Settings
from master.state_folder import StateFolder, open_state
from master.wakeup import Wakeup
from master.work_queues import WorkQueues
from serving.failpoints import Failpoint, no_failpoint
from serving.server import Server, polls_within
from serving.tokens import read_secret, write_secret

CHILD_THREADS = 16


def new_id() -> str:
    """A random id of 12 hexadecimal digits."""
    return uuid.uuid4().hex[:12]


class Master:
    """A whole master: coordinator, evaluation process, HTTP server.

    Args:
        settings: What the operator decided.
        failpoint: Called at the places where tests kill a master.

    Raises:
        CannotListen: The port is taken.
        InvalidInput: A setting or a ready-made plan is wrong.
        Unavailable: The database, or the remote store of blobs, is away.
    """

    def __init__(self, settings: Settings, failpoint: Failpoint = no_failpoint) -> None:
        ready_made_plans(settings.plans)
        database, blobs = open_state(settings)
        blobs.complete()
        state = StateFolder(settings.state)
        polls, wakeup = PollBoard(polls_within(settings.max_polls)), Wakeup()
        self._presence = Presence(
            database, polls, wakeup, time.time, every=settings.heartbeat_seconds
        )
        self._children = HttpChildClient()
        self._evaluator = WorkerEvaluator(state.logs, settings.threads, settings.pretrained_folder)
        self.services = Services(
            settings=settings,
            state=state,
            database=database,
            blobs=blobs,
            evaluator=self._evaluator,
            children=self._children,
            wakeup=wakeup,
            polls=polls,
            presence=self._presence,
            metrics=Metrics(),
            now=time.time,
            new_id=new_id,
            failpoint=failpoint,
            started_at=time.time(),
        )
        self._child_queues = WorkQueues(CHILD_THREADS, "child")
        self._evaluation_queues = WorkQueues(1, "evaluation")
        self._coordinator = Coordinator(
            self.services,
            _holder(state.coordinator),
            self._child_queues.submit,
            self._evaluation_queues.submit,
        )
        app = create_master_app(self.services)
        self._server = Server(
            app,
            settings.host,
            settings.port,
            behind_proxy=settings.behind_proxy,
            polls=polls.most,
        )

    @property
    def address(self) -> str:
        """Where it is reached from its own machine."""
        return self._server.address

    def start(self) -> None:
        """Starts everything; returns when calls are answered."""
        logging.getLogger().addHandler(self.services.log)
        self._evaluator.start()
        self._coordinator.prepare()
        self._server.start()
        self._presence.start()
        self._coordinator.start()

    def stop(self) -> None:
        """Stops everything, the evaluation process too."""
        self.services.polls.close()
        self._server.close()
        self._presence.stop()
        self._evaluator.stop()
        self._child_queues.close()
        self._evaluation_queues.close()
        self._coordinator.stop()
        self._children.close()
        self.services.database.close()
        logging.getLogger().removeHandler(self.services.log)


def _holder(path: Path) -> str:
    """This state folder's name for itself; the lock file lets only one process use it."""
    known = read_secret(path)
    if known is None:
        known = uuid.uuid4().hex
        write_secret(path, known)
    return known
