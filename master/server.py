"""One master, put together, with a lifetime."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from master.app import create_master_app
from master.bell import Bell
from master.children import HttpChildren
from master.coordinator.coordinator import Coordinator
from master.evaluation import WorkerEvaluator
from master.house import House
from master.lanes import Lanes
from master.metrics import Metrics
from master.ready_made import ready_made
from master.settings import Settings
from master.state_folder import open_state
from serving.server import Server
from serving.tokens import read_secret, write_secret

CHILD_LANES = 16


def new_id() -> str:
    """A random id of 12 hexadecimal digits."""
    return uuid.uuid4().hex[:12]


class Master:
    """A whole master: coordinator, evaluation process, HTTP server.

    Args:
        settings: What the operator decided.

    Raises:
        CannotListen: The port is taken.
        InvalidInput: A setting or a ready-made plan is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        ready_made(settings.plans)
        database, blobs = open_state(settings)
        self._children = HttpChildren()
        self._evaluator = WorkerEvaluator(settings.state / "logs", settings.threads)
        self.house = House(
            settings=settings,
            database=database,
            blobs=blobs,
            evaluator=self._evaluator,
            children=self._children,
            bell=Bell(),
            metrics=Metrics(),
            now=time.time,
            new_id=new_id,
        )
        self._lanes = Lanes(CHILD_LANES, "child")
        self._heavy = Lanes(1, "evaluation")
        self._coordinator = Coordinator(
            self.house, _holder(settings.state), self._lanes.submit, self._heavy.submit
        )
        app = create_master_app(self.house)
        self._server = Server(app, settings.host, settings.port, behind_proxy=settings.behind_proxy)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    def start(self) -> None:
        """Starts everything; returns when calls are answered."""
        self._evaluator.start()
        self._coordinator.prepare()
        self._server.start()
        self._coordinator.start()

    def stop(self) -> None:
        """Stops everything, the evaluation process too."""
        self._server.close()
        self._evaluator.stop()
        self._lanes.close()
        self._heavy.close()
        self._coordinator.stop()
        self._children.close()
        self.house.database.close()


def _holder(state: Path) -> str:
    """This state folder's name for itself; the lock file lets only one process use it."""
    path = state / "secrets" / "coordinator.id"
    known = read_secret(path)
    if known is None:
        known = uuid.uuid4().hex
        write_secret(path, known)
    return known
