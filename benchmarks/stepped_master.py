"""A master without a server: its own parts in one thread, with a clock that is moved by hand.

Everything in its folder was written by the product's own code, a round in one transaction. Left out
are HTTP, the waiting of threads for one another, and the measuring of all but the first models.
"""

from __future__ import annotations

import heapq
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import event
from sqlalchemy.orm import Session

from benchmarks.repeated_figures import RepeatedFigures
from federated.errors import FederationError
from federated.messages import Enrolment, Heartbeat, JoinRequest, Progress, Task
from federated.plan import Plan
from federated.states import NodeState, RunState
from federated.study import Study
from master.child_client import HttpChildClient
from master.coordinator.coordinator import Coordinator
from master.evaluation import Evaluator
from master.metrics import Metrics
from master.polls import PollBoard
from master.presence import Presence
from master.server import new_id
from master.services import Services
from master.settings import Settings
from master.state_folder import StateFolder, open_state
from master.store import deliveries, nodes, runs, studies, task_queue, tasks, tokens
from master.update_ingestion import receive_update
from master.uploads import Part, Uploads
from master.wakeup import Wakeup
from master.work_queues import Job
from serving.database import Database


class Clock:
    """A clock that stands still until it is moved.

    Args:
        now: Where it begins, in seconds since the epoch.
    """

    def __init__(self, now: float) -> None:
        self._now = now

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def pass_by(self, seconds: float) -> None:
        """Moves on."""
        self._now += seconds


class OneTransaction(Database):
    """A database of one thread, which may put many transactions into one.

    Args:
        database: What is opened already.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shared: Session | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything that is read and written within is one transaction."""
        with self._database.write() as session:
            # A session forgets what nobody holds, and would ask for each row again and again.
            held: list[object] = []
            for name in ("loaded_as_persistent", "pending_to_persistent"):
                event.listen(session, name, lambda _session, row: held.append(row))
            self._shared = session
            try:
                yield
            finally:
                self._shared = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """See `Database.read`."""
        if self._shared is None:
            with self._database.read() as session:
                yield session
        else:
            yield self._shared

    @contextmanager
    def write(self) -> Iterator[Session]:
        """See `Database.write`; within `together` what fails is not undone."""
        if self._shared is None:
            with self._database.write() as session:
                yield session
        else:
            yield self._shared
            self._shared.flush()

    def close(self) -> None:
        """See `Database.close`."""
        self._database.close()


class Jobs:
    """Work in the background, done when the step is over: smaller priorities first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Job]] = []
        self._keys: set[str] = set()
        self._numbers = itertools.count()

    def submit(self, queue: str, key: str, job: Job, priority: int = 0) -> None:
        """See `master.work_queues.Submit`."""
        if key not in self._keys:
            self._keys.add(key)
            heapq.heappush(self._waiting, (priority, next(self._numbers), job))

    def work_off(self) -> bool:
        """Does all that waits; says whether there was anything."""
        found = bool(self._waiting)
        while self._waiting:
            heapq.heappop(self._waiting)[-1]()
        self._keys.clear()
        return found


class SteppedMaster:
    """A master that moves when it is told to; a context manager.

    Args:
        state: Its folder, which a server may take over afterwards.
        clock: Tells the time.
        evaluator: Measures the first models of each kind.
    """

    def __init__(self, state: Path, clock: Clock, evaluator: Evaluator) -> None:
        settings = Settings(state)
        opened, blobs = open_state(settings)
        self._clock = clock
        self._database = OneTransaction(opened)
        self._jobs, self._children = Jobs(), HttpChildClient()
        polls, wakeup = PollBoard(0), Wakeup()
        self._services = Services(
            settings=settings,
            state=StateFolder(state),
            database=self._database,
            blobs=blobs,
            evaluator=RepeatedFigures(evaluator),
            children=self._children,
            wakeup=wakeup,
            polls=polls,
            presence=Presence(self._database, polls, wakeup, clock, every=5.0),
            metrics=Metrics(),
            now=clock,
            new_id=new_id,
        )
        self._coordinator = Coordinator(
            self._services, "stepped", self._jobs.submit, self._jobs.submit
        )

    def __enter__(self) -> Self:
        self._coordinator.prepare()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._coordinator.stop()
        self._children.close()
        self._database.close()

    def create_study(self, study: Study, plan: Plan) -> None:
        """A new study and its first model."""
        with self._database.write() as session:
            studies.create(session, study, plan, self._clock())
        self.settle()

    def add_picture(self, study: str, data: bytes, label: str, part: Part) -> None:
        """One of the master's own pictures."""
        Uploads(self._services).add(study, "picture.png", data, label, part)

    def join(self, name: str) -> Enrolment:
        """A site that is approved."""
        with self._database.write() as session:
            join_token = tokens.mint(session, "join", self._clock(), approve=True)
            session.flush()
            request = JoinRequest(join_token=join_token, name=name)
            row = nodes.enrol(session, request, None, new_id(), self._clock())
            token = tokens.mint(session, "node", self._clock(), node=row.id)
            return Enrolment(node_id=row.id, token=token, state=NodeState(row.state))

    def start_run(self, study: str, plan: Plan) -> str:
        """A new run; its id."""
        with self._database.write() as session:
            return runs.create(session, new_id(), study, plan, self._clock()).id

    @contextmanager
    def together(self) -> Iterator[None]:
        """What happens within is one transaction."""
        with self._database.together():
            yield

    def beat(self, node: str, message: Heartbeat) -> None:
        """A site's heartbeat."""
        services, now = self._services, self._clock()
        with self._database.write() as session:
            nodes.seen(session, node, message, None, now)
            tasks.renew(session, node, message.tasks, now, services.settings.lease_seconds)
            deliveries.note_reports(session, nodes.get(session, node), message.studies, now)

    def next_task(self, node: str) -> Task | None:
        """The task that waits for a site."""
        with self._database.read() as session:
            found = task_queue.next_of(session, node, self._services.settings.lease_seconds)
            return found.task if found else None

    def progress(self, task: str, node: str, report: Progress) -> None:
        """A site's word on how far it is."""
        with self._database.write() as session:
            row = tasks.of_node(session, task, node)
            lease_seconds = self._services.settings.lease_seconds
            tasks.progress(session, row, report, self._clock(), lease_seconds)

    def deliver(self, task: str, node: str, update: bytes) -> None:
        """A site's update."""
        receive_update(self._services, node, task, io.BytesIO(update), len(update))

    def weights(self, sha256: str) -> Path:
        """A blob of weights."""
        return self._services.blobs.path(sha256)

    def is_over(self, run: str) -> bool:
        """Whether a run has done all its rounds.

        Raises:
            FederationError: It has ended otherwise.
        """
        with self._database.read() as session:
            row = runs.get(session, run)
        if row.finished_at is not None and row.state != RunState.COMPLETED:
            raise FederationError(f"The run has {row.state}", received=row.reason)
        return row.finished_at is not None

    def settle(self) -> None:
        """Moves on as far as it goes."""
        while True:
            self._services.wakeup.wait(0)
            self._coordinator.step()
            if not self._jobs.work_off() and not self._services.wakeup.pending:
                return
