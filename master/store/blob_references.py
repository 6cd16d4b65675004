"""Which blobs the tables speak of; all others may go."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from federated.states import RoundState, TaskState
from master.store import measured_models, round_credits
from master.store.tables import RoundRow, TaskRow, UpdateRow, VersionRow
from master.store.tasks import REPLICA

MAY_COUNT = (TaskState.SUBMITTED, TaskState.ACCEPTED)


def is_used(session: Session, sha256: str) -> bool:
    """Whether a blob is part of a global model, a strategy's state, or an update that was taken."""
    columns = (VersionRow.weights, VersionRow.strategy_state, VersionRow.frozen)
    version = select(VersionRow.id).where(or_(*(column == sha256 for column in columns)))
    update = select(UpdateRow.task_id).where(
        UpdateRow.sha256 == sha256, UpdateRow.document.is_not(None)
    )
    kept = any(session.scalar(query.limit(1)) is not None for query in (version, update))
    return kept or sha256 in measured_models.in_use(session)


def named(session: Session) -> set[str]:
    """All blobs that `is_used` would say yes to."""
    taken = select(UpdateRow.sha256).where(UpdateRow.document.is_not(None))
    columns = (VersionRow.weights, VersionRow.strategy_state, VersionRow.frozen)
    queries = (*(select(column) for column in columns), taken)
    found = {sha256 for query in queries for sha256 in session.scalars(query) if sha256}
    return found | measured_models.in_use(session)


def old_updates(session: Session, keep_rounds: int) -> list[str]:
    """Blobs of updates that no longer serve anybody.

    Those of rounds that are over and older than the last `keep_rounds` of their run, unless a
    kept round, or a global model, has the same bytes. What an asynchronous run may still count
    serves it, and what credits are still worked out of.
    """
    newest = select(RoundRow.run_id, func.max(RoundRow.number).label("newest"))
    last = newest.group_by(RoundRow.run_id).subquery()
    counted = func.coalesce(TaskRow.counted_in, TaskRow.round)
    # What is only compared with another's answer serves nobody once its sketch is made.
    may_count = (TaskRow.kind != REPLICA) & TaskRow.state.in_(MAY_COUNT)
    waits = TaskRow.counted_in.is_(None) & ((TaskRow.state == TaskState.SUBMITTED) | may_count)
    query = (
        select(
            UpdateRow.sha256, RoundRow.state, RoundRow.run_id, RoundRow.number, last.c.newest, waits
        )
        .join(TaskRow, TaskRow.id == UpdateRow.task_id)
        .join(RoundRow, (RoundRow.run_id == TaskRow.run_id) & (RoundRow.number == counted))
        .join(last, last.c.run_id == TaskRow.run_id)
    )
    over = (RoundState.CLOSED, RoundState.FAILED)
    old: set[str] = set()
    kept = set(session.scalars(select(VersionRow.weights)))
    pending = set(round_credits.pending(session))
    for sha256, state, run, number, newest_number, waiting in session.execute(query):
        in_use = (waiting and state != RoundState.FAILED) or (run, number) in pending
        is_old = state in over and number <= newest_number - keep_rounds and not in_use
        (old if is_old else kept).add(sha256)
    return sorted(old - kept)
