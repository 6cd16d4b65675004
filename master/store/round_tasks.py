"""The tasks of a round, many at a time: made, counted, lost, ended, handed out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select, true, update
from sqlalchemy.orm import Session

from federated.states import TaskState
from master.coordinator.assignment import Slot
from master.store.nodes import Site
from master.store.tables import NodeRow, RoundRow, RunRow, TaskRow, VersionRow
from master.store.tasks import EVALUATE, OPEN, REPLICA, TRAIN, UNENDED


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """What the coordinator needs to know of a task.

    Attributes:
        lost: Whether its node has fallen silent.
    """

    id: str
    node: str
    round: int
    base_round: int
    slot: str
    attempt: int
    state: TaskState
    lost: bool
    lease_until: float
    changed_at: float

    @property
    def coming(self) -> bool:
        """Whether its node is at work on it, or about to be."""
        return self.state in OPEN and not self.lost


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that somebody has to be told of: its node, or who audits.

    Attributes:
        called: Whether the master calls the node; others ask for their work themselves.
    """

    id: str
    study: str
    node: str
    called: bool
    state: TaskState


@dataclass(frozen=True, slots=True)
class Piece:
    """Work to be handed out: a slot, and which attempt at it this is."""

    slot: Slot
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds in which a node takes a task.

    Attributes:
        calling: Where the master calls it, and may have to send it a model first.
        asking: Where it asks for its work.
    """

    calling: float
    asking: float

    def for_site(self, site: Site) -> float:
        """How long to wait for a site."""
        return self.asking if site.url is None else self.calling


def add(
    session: Session, row: RoundRow, pieces: Iterable[Piece], now: float, patience: Patience
) -> None:
    """Makes a task of each piece of a round's work."""
    base = session.get_one(VersionRow, row.before_id)
    made = made_for(session, row.run_id, row.number)
    for piece in pieces:
        slot = piece.slot
        before = made.get(slot.site.id, 0)
        made[slot.site.id] = before + 1
        session.add(
            TaskRow(
                id=name_of(row.run_id, row.number, slot.site.id, before),
                run_id=row.run_id,
                round=row.number,
                node_id=slot.site.id,
                slot=slot.name,
                attempt=piece.attempt,
                batch=slot.batch.sha256 if slot.batch else None,
                batch_bytes=slot.batch.bytes if slot.batch else None,
                base_id=base.id,
                base_round=row.number - 1,
                weights=base.weights,
                seed=slot.seed,
                announced=slot.pictures,
                hyperparameters=slot.hyperparameters.told if slot.hyperparameters else None,
                state=str(TaskState.QUEUED),
                lease_until=now + patience.for_site(slot.site),
                created_at=now,
                changed_at=now,
            )
        )
    session.flush()


def of_round(session: Session, run_id: str, number: int, *, carried: bool) -> list[TaskSummary]:
    """The tasks made for a round.

    Args:
        session: The transaction.
        run_id: The run.
        number: The round.
        carried: Whether to add those of earlier rounds that may still count, as in an
            asynchronous run.
    """
    made = TaskRow.round == number
    countable = TaskRow.counted_in.is_(None) & TaskRow.state.in_((*UNENDED, TaskState.ACCEPTED))
    return _summaries(session, run_id, TRAIN, or_(made, countable) if carried else made)


def measuring(session: Session, run_id: str) -> list[TaskSummary]:
    """The tasks in which sites measure the last models of a run."""
    return _summaries(session, run_id, EVALUATE, true())


def _summaries(
    session: Session, run_id: str, kind: str, which: ColumnElement[bool]
) -> list[TaskSummary]:
    query = (
        select(
            TaskRow.id,
            TaskRow.node_id,
            TaskRow.round,
            TaskRow.base_round,
            TaskRow.slot,
            TaskRow.attempt,
            TaskRow.state,
            TaskRow.lost_at,
            TaskRow.lease_until,
            TaskRow.changed_at,
        )
        .where(TaskRow.run_id == run_id, TaskRow.kind == kind, which)
        .order_by(TaskRow.id)
    )
    return [
        TaskSummary(id, node, round, base, slot, attempt, TaskState(state), lost is not None, *at)
        for id, node, round, base, slot, attempt, state, lost, *at in session.execute(query)
    ]


def dealt_batches(session: Session, run_id: str) -> int:
    """Batches that the rounds of a run have dealt; further attempts do not count."""
    dealt = (
        select(TaskRow.round, TaskRow.slot)
        .where(TaskRow.run_id == run_id, TaskRow.slot.like("batch/%"))
        .distinct()
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(dealt)) or 0


def count(session: Session, task_ids: Iterable[str], number: int) -> None:
    """Notes that a round takes the updates of these tasks, and no other round ever will."""
    session.execute(update(TaskRow).where(TaskRow.id.in_(list(task_ids))).values(counted_in=number))


def waiting(session: Session, ended_since: float, heard_since: float) -> list[Waiting]:
    """Tasks to be handed out, judged, or taken back from nodes that are called; oldest first.

    Lost ones only where their node has been heard of again: nobody calls in vain all the time.

    Args:
        session: The transaction.
        ended_since: Tasks that ended before have been taken back already.
        heard_since: Nodes that were not heard of since are not there.
    """
    present = NodeRow.failed_at.is_(None) & (NodeRow.last_seen >= heard_since)
    queued = (TaskRow.state == TaskState.QUEUED) & (TaskRow.lost_at.is_(None) | present)
    ended = TaskRow.state.in_((TaskState.EXPIRED, TaskState.CANCELLED))
    taken_back = ended & (TaskRow.changed_at >= ended_since) & NodeRow.url.is_not(None)
    query = (
        select(TaskRow.id, RunRow.study_id, TaskRow.node_id, NodeRow.url, TaskRow.state)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(RunRow, RunRow.id == TaskRow.run_id)
        .where(or_(queued, TaskRow.state == TaskState.SUBMITTED, taken_back))
        .order_by(TaskRow.created_at, TaskRow.id)
    )
    return [
        Waiting(task, study, node, url is not None, TaskState(state))
        for task, study, node, url, state in session.execute(query)
    ]


def made_for(session: Session, run_id: str, number: int) -> dict[str, int]:
    """How many tasks each node has got in a round, those that repeat another's work included."""
    query = (
        select(TaskRow.node_id, func.count())
        .where(TaskRow.run_id == run_id, TaskRow.round == number)
        .where(TaskRow.kind.in_((TRAIN, REPLICA)))
        .group_by(TaskRow.node_id)
    )
    return {row.node_id: row[1] for row in session.execute(query)}


def name_of(run_id: str, number: int, node: str, before: int) -> str:
    """The id of a node's next task in a round, in which it has got so many before.

    A node may get several: other work, a second attempt, or what another does as well. The id
    tells none from the others.
    """
    name = f"{run_id}-{number}-{node}"
    return name if not before else f"{name}-{before + 1}"
