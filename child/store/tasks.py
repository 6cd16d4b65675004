"""Tasks that the master handed over: a queue that survives a restart, and an outbox.

A task is `queued`, then `training`, then `delivering` its update or its failure; it ends
`failed`, `cancelled`, or in the state that the master's receipt names. A site that asks for
its tasks itself has one as `fetching` before that, until the weights are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Float, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from federated.messages import Failure, Task
from serving.database import Database

OPEN = ("fetching", "queued", "training", "delivering")
"""States in which the child still owes the master something."""


class TaskRow(Base):
    """One task."""

    __tablename__ = "tasks"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    document: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    detail: Mapped[str | None] = mapped_column(Text)
    update_sha256: Mapped[str | None] = mapped_column(String(64))
    failure: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True, slots=True)
class HeldTask:
    """A task as the child holds it.

    Attributes:
        state: Where it is.
        detail: Why it ended so, where there is something to say.
        update_sha256: Blob that is to be delivered, or was; of a task that is wanted again,
            what it came to before.
        failure: What is to be reported instead of an update, or was.
        changed_at: When the state last changed.
    """

    task: Task
    state: str
    detail: str | None
    update_sha256: str | None
    failure: Failure | None
    changed_at: float


class TaskStore:
    """The child's tasks."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, task: Task, state: str = "queued") -> bool:
        """Keeps a task as `queued` or `fetching`; one that is known already stays as it is.

        Returns:
            Whether it was new.
        """
        with self._database.write() as session:
            if session.scalar(select(TaskRow.number).where(TaskRow.id == task.id)) is not None:
                return False
            session.add(
                TaskRow(
                    id=task.id,
                    document=task.model_dump_json(),
                    state=state,
                    changed_at=self._now(),
                )
            )
            return True

    def get(self, task_id: str) -> HeldTask | None:
        """A task, or None where there is none of that id."""
        with self._database.read() as session:
            row = session.scalar(select(TaskRow).where(TaskRow.id == task_id))
            return _held(row) if row is not None else None

    def latest(self) -> HeldTask | None:
        """The task that the child works on, or worked on last."""
        with self._database.read() as session:
            newest = select(TaskRow).order_by(TaskRow.changed_at.desc(), TaskRow.number.desc())
            row = session.scalar(newest.limit(1))
            return _held(row) if row is not None else None

    def in_states(self, *states: str) -> list[str]:
        """Ids of the tasks in these states, oldest first."""
        wanted = select(TaskRow.id).where(TaskRow.state.in_(states)).order_by(TaskRow.number)
        with self._database.read() as session:
            return list(session.scalars(wanted))

    def is_over(self, task_id: str) -> bool:
        """Whether a task was here and nothing of it is owed any more."""
        held = self.get(task_id)
        return held is not None and held.state not in OPEN

    def done_for(self, run: str) -> list[HeldTask]:
        """Tasks of a run that have come to an update, or to figures, whatever became of it."""
        # In JSON a run may be written otherwise than here; then it has no tasks, which is safe.
        of_run = TaskRow.document.contains(f'"run":"{run}"', autoescape=True)
        done = select(TaskRow).where(TaskRow.update_sha256.is_not(None), of_run)
        with self._database.read() as session:
            held = [_held(row) for row in session.scalars(done.order_by(TaskRow.number))]
        return [one for one in held if one.task.run == run]

    def may_train(self) -> bool:
        """Whether a task waits for training or is in it."""
        return bool(self.in_states("queued", "training"))

    def is_to_train(self, task_id: str) -> bool:
        """Whether a task waits for training or is in it."""
        held = self.get(task_id)
        return held is not None and held.state in ("queued", "training")

    def blobs_in_use(self) -> set[str]:
        """Hashes of the blobs that open tasks name or have to deliver."""
        with self._database.read() as session:
            rows = session.scalars(select(TaskRow).where(TaskRow.state.in_(OPEN))).all()
            held = [_held(row) for row in rows]
        named = {name for h in held for name in h.task.blobs}
        return named | {h.update_sha256 for h in held if h.update_sha256}

    def fetched(self, task_id: str) -> bool:
        """`fetching` → `queued`; False if it is over meanwhile."""
        return self._move(task_id, ("fetching",), "queued")

    def begin(self, task_id: str) -> bool:
        """`queued` or `training` (resumed) → `training`; False if it is over meanwhile."""
        return self._move(task_id, ("queued", "training"), "training")

    def trained(self, task_id: str, update_sha256: str) -> bool:
        """`training` → `delivering` an update."""
        return self._move(task_id, ("training",), "delivering", update_sha256=update_sha256)

    def fail(self, task_id: str, failure: Failure) -> bool:
        """`fetching`, `queued` or `training` → `delivering` a failure."""
        return self._move(
            task_id,
            ("fetching", "queued", "training"),
            "delivering",
            failure=failure.model_dump_json(),
            detail=failure.detail,
        )

    def refused(self, task_id: str, failure: Failure) -> bool:
        """`delivering` what it came to → `delivering` a failure instead.

        What it came to stays noted: it may have left the site.
        """
        return self._move(
            task_id,
            ("delivering",),
            "delivering",
            failure=failure.model_dump_json(),
            detail=failure.detail,
        )

    def end(self, task_id: str, state: str, detail: str | None = None) -> bool:
        """Any open state → a final one."""
        changes = {} if detail is None else {"detail": detail}
        return self._move(task_id, OPEN, state, **changes)

    def renew(self, task_id: str) -> bool:
        """Any final state → `fetching`: the master wants again what ended here without it.

        What the task came to stays noted: it may have left the site.
        """
        again = (
            update(TaskRow)
            .where(TaskRow.id == task_id, TaskRow.state.not_in(OPEN))
            .values(
                state="fetching",
                detail=None,
                failure=None,
                changed_at=self._now(),
            )
            .returning(TaskRow.number)
        )
        with self._database.write() as session:
            return session.scalar(again) is not None

    def forget_old(self, keep: int) -> None:
        """Deletes tasks that are over, but for the latest `keep`."""
        over = select(TaskRow.number).where(TaskRow.state.not_in(OPEN))
        with self._database.write() as session:
            oldest = session.scalar(over.order_by(TaskRow.number.desc()).offset(keep).limit(1))
            if oldest is not None:
                gone = delete(TaskRow).where(TaskRow.number <= oldest, TaskRow.state.not_in(OPEN))
                session.execute(gone)

    def _move(self, task_id: str, before: Sequence[str], after: str, **changes: str) -> bool:
        move = (
            update(TaskRow)
            .where(TaskRow.id == task_id, TaskRow.state.in_(before))
            .values(state=after, changed_at=self._now(), **changes)
            .returning(TaskRow.number)
        )
        with self._database.write() as session:
            return session.scalar(move) is not None


def _held(row: TaskRow) -> HeldTask:
    return HeldTask(
        task=Task.model_validate_json(row.document),
        state=row.state,
        detail=row.detail,
        update_sha256=row.update_sha256,
        failure=Failure.model_validate_json(row.failure) if row.failure else None,
        changed_at=row.changed_at,
    )
