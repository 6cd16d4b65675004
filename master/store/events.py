"""Events: what happened, in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.views import Event
from master.store.tables import EventRow

PAGE = 1000
NEWEST = 100


def record(
    session: Session, now: float, kind: str, text: str, *, run: str | None = None, **data: Any
) -> None:
    """Writes an event in the transaction of the change that it tells of."""
    session.add(EventRow(at=now, run_id=run, kind=kind, text=text, data=data))


def after(session: Session, number: int, run: str | None = None) -> list[Event]:
    """The first thousand events behind `number`, oldest first; of one run, or of all."""
    query = select(EventRow).where(EventRow.id > number).order_by(EventRow.id).limit(PAGE)
    if run is not None:
        query = query.where(EventRow.run_id == run)
    return [_view(row) for row in session.scalars(query)]


def newest(session: Session, count: int) -> list[Event]:
    """The last `count` events, at most a thousand, oldest first."""
    query = select(EventRow).order_by(EventRow.id.desc()).limit(min(count, PAGE))
    return [_view(row) for row in session.scalars(query)][::-1]


def before(session: Session, number: int, run: str) -> list[Event]:
    """The last hundred events of a run ahead of `number`, oldest first."""
    query = select(EventRow).where(EventRow.run_id == run, EventRow.id < number)
    newest = session.scalars(query.order_by(EventRow.id.desc()).limit(NEWEST)).all()
    return [_view(row) for row in reversed(newest)]


def _view(row: EventRow) -> Event:
    return Event(id=row.id, at=row.at, run=row.run_id, kind=row.kind, text=row.text, data=row.data)
