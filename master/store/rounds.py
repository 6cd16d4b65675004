"""Rounds of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.plan import Plan
from federated.states import RoundState
from federated.views import ExcludedNode, RoundView
from master.coordinator.assignment import Slot
from master.store import evaluations, events, tasks, updates
from master.store.tables import RoundRow, RunRow, VersionRow

UNDER_WAY = (RoundState.OPEN, RoundState.AGGREGATING)


def open_next(
    session: Session,
    run: RunRow,
    plan: Plan,
    slots: Sequence[Slot],
    excluded: Iterable[ExcludedNode],
    now: float,
    handover_seconds: float,
) -> RoundRow:
    """Opens the next round of a run with one task for each slot."""
    run.round += 1
    run.reason, run.waiting_since = None, None
    row = RoundRow(
        run_id=run.id,
        number=run.round,
        state=str(RoundState.OPEN),
        opened_at=now,
        deadline_at=now + plan.deadline_seconds,
        before_id=run.version_id,
        quorum=plan.needed(len(slots)),
        target=len(slots),
        excluded=[node.model_dump(mode="json") for node in excluded],
    )
    session.add(row)
    session.flush()
    tasks.add(session, row, slots, now, handover_seconds)
    sites = [slot.site for slot in slots]
    text = f"Round {row.number} of {plan.rounds} is open for {', '.join(s.name for s in sites)}"
    data = {"round": row.number, "nodes": [site.id for site in sites], "excluded": row.excluded}
    events.record(session, now, "round_open", text, run=run.id, **data)
    return row


def under_way(session: Session, run_id: str) -> RoundRow | None:
    """The round of a run that is open or aggregating."""
    query = select(RoundRow).where(RoundRow.run_id == run_id, RoundRow.state.in_(UNDER_WAY))
    return session.scalar(query.order_by(RoundRow.number))


def get(session: Session, run_id: str, number: int) -> RoundRow:
    """A round.

    Raises:
        NotFound: There is none.
    """
    row = session.get(RoundRow, (run_id, number))
    if row is None:
        raise NotFound("This run has no such round", received=number)
    return row


def last(session: Session, run_id: str, *, closed: bool = False) -> RoundRow | None:
    """The newest round of a run, or the newest that was closed."""
    query = select(RoundRow).where(RoundRow.run_id == run_id)
    if closed:
        query = query.where(RoundRow.state == RoundState.CLOSED)
    return session.scalar(query.order_by(RoundRow.number.desc()).limit(1))


def views(session: Session, run_id: str) -> list[RoundView]:
    """All rounds of a run, in order."""
    query = select(RoundRow).where(RoundRow.run_id == run_id).order_by(RoundRow.number)
    return [view(session, row) for row in session.scalars(query)]


def view(session: Session, row: RoundRow) -> RoundView:
    """A round as people see it."""
    before = session.get_one(VersionRow, row.before_id)
    after = session.get(VersionRow, row.after_id) if row.after_id else None
    return RoundView(
        run=row.run_id,
        number=row.number,
        state=RoundState(row.state),
        reason=row.reason,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        deadline_at=row.deadline_at,
        quorum=row.quorum,
        target=row.target,
        extended=row.extended,
        weights_before=before.weights,
        weights_after=after.weights if after else None,
        tasks=tasks.views(session, row.run_id, row.number),
        updates=updates.views(session, row.run_id, row.number),
        excluded=[ExcludedNode.model_validate(node) for node in row.excluded],
        evaluation=evaluations.headline(session, row.after_id),
    )
