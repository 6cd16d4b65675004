"""The tasks of a round, many at a time: made, counted, lost, ended, handed out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from federated.states import RoundState, TaskState
from master.coordinator.assignment import Slot
from master.store import tasks, transitions
from master.store.nodes import Site
from master.store.tables import NodeRow, RoundRow, RunRow, TaskRow, VersionRow
from master.store.tasks import OPEN, UNENDED


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
    made = dict(_made(session, row))
    for piece in pieces:
        slot = piece.slot
        number = made[slot.site.id] = made.get(slot.site.id, 0) + 1
        name = f"{row.run_id}-{row.number}-{slot.site.id}"
        session.add(
            TaskRow(
                # A node may get several tasks in a round: other work, or a second attempt.
                id=name if number == 1 else f"{name}-{number}",
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
    query = select(
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
    ).where(TaskRow.run_id == run_id)
    made = TaskRow.round == number
    countable = TaskRow.counted_in.is_(None) & TaskRow.state.in_((*UNENDED, TaskState.ACCEPTED))
    query = query.where(or_(made, countable) if carried else made).order_by(TaskRow.id)
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


def lapse(session: Session, task_ids: Iterable[str], now: float, silence: float) -> None:
    """Puts tasks back whose lease has run out.

    A node that is busy with other work takes its next task when it is done with that.
    """
    rows = session.scalars(_named(task_ids)).all()
    queued = {row.node_id for row in rows if row.state == TaskState.QUEUED}
    busy = _busy(session, queued) if queued else set()
    for row in rows:
        if row.state != TaskState.QUEUED:
            tasks.lose(session, row, f"not heard of for {silence:g} s", now)
        elif row.node_id in busy:
            row.lease_until = now + silence
        else:
            tasks.lose(session, row, "could not be handed over in time", now)


def end(
    session: Session, task_ids: Iterable[str], state: TaskState, reason: str, now: float
) -> None:
    """Ends tasks; what was delivered can no longer expire: it is late."""
    for row in session.scalars(_named(task_ids)).all():
        delivered = row.state in (TaskState.SUBMITTED, TaskState.ACCEPTED)
        after = TaskState.LATE if delivered and state == TaskState.EXPIRED else state
        was_lost = row.state == TaskState.QUEUED and row.lost_at is not None
        words = f"{row.reason}; {reason}" if was_lost and row.reason else reason
        transitions.move_task(session, row, after, now, words)


def cancel_of_run(session: Session, run_id: str, reason: str, now: float) -> None:
    """Takes back everything of a run that is still under way."""
    _cancel(session, run_id, TaskRow.state.in_(UNENDED), reason, now)


def cancel_untaken(session: Session, run_id: str, reason: str, now: float) -> None:
    """Takes back what no node has taken yet."""
    untaken = (TaskRow.state == TaskState.QUEUED) & TaskRow.leased_at.is_(None)
    _cancel(session, run_id, untaken, reason, now)


def leave_uncounted(session: Session, run_id: str, reason: str, now: float) -> None:
    """Ends what was accepted when its round had closed, and no other is to count it."""
    closed = (RoundRow.run_id == run_id) & (RoundRow.state == RoundState.CLOSED)
    query = (
        select(TaskRow)
        .where(TaskRow.run_id == run_id, TaskRow.counted_in.is_(None))
        .where(TaskRow.state == TaskState.ACCEPTED)
        .where(TaskRow.round.in_(select(RoundRow.number).where(closed)))
        .order_by(TaskRow.id)
    )
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.LATE, now, reason)


def extend_leases(session: Session, now: float, lease_seconds: float) -> None:
    """Gives every task that has not ended a whole lease again.

    While the master was away, no node could call, and no update could be audited.
    """
    session.execute(
        update(TaskRow)
        .where(TaskRow.state.in_(UNENDED), TaskRow.lease_until < now + lease_seconds)
        .values(lease_until=now + lease_seconds)
    )


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


def _named(task_ids: Iterable[str]) -> Select[TaskRow]:
    return select(TaskRow).where(TaskRow.id.in_(list(task_ids))).order_by(TaskRow.id)


def _cancel(
    session: Session, run_id: str, which: ColumnElement[bool], reason: str, now: float
) -> None:
    query = select(TaskRow).where(TaskRow.run_id == run_id, which).order_by(TaskRow.id)
    for row in session.scalars(query).all():
        transitions.move_task(session, row, TaskState.CANCELLED, now, reason)


def _made(session: Session, row: RoundRow) -> Iterable[tuple[str, int]]:
    """How many tasks each node has got in a round."""
    query = (
        select(TaskRow.node_id, func.count())
        .where(TaskRow.run_id == row.run_id, TaskRow.round == row.number)
        .group_by(TaskRow.node_id)
    )
    return [(node, number) for node, number in session.execute(query)]


def _busy(session: Session, node_ids: Collection[str]) -> set[str]:
    at_work = TaskRow.state.in_((TaskState.LEASED, TaskState.TRAINING))
    query = select(TaskRow.node_id).where(TaskRow.node_id.in_(node_ids), at_work).distinct()
    return set(session.scalars(query))
