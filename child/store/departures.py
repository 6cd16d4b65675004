"""What has left the site: one row for each call to the master or to a batch server."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, Float, String, Text, delete, not_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from child.store.base import Base
from federated.views import Departure
from serving.database import Database

KEPT_ROWS = 10_000
KEPT_SECONDS = 90 * 86_400.0
ROUTINE = ("%/heartbeat", "%/progress", "%/tasks/next%", "%/index.json", "%.safetensors")
"""Calls that come often and carry counts only, or nothing: their last are record enough."""
PRUNE_EVERY = 1000
"""Rows between two prunings, so that most calls need not pay for one."""


class DepartureRow(Base):
    """One call; numbers and hashes, never content.

    `told` are figures of the site's pictures, where the call carried some, and `norm` is how far
    an update is from what it began with. The path of a call to a batch server begins with the
    server's name.
    """

    __tablename__ = "departures"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float)
    method: Mapped[str] = mapped_column(String(8))
    path: Mapped[str] = mapped_column(Text)
    nbytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[int | None]
    told: Mapped[str | None] = mapped_column(Text)
    norm: Mapped[float | None] = mapped_column(Float)


class DepartureStore:
    """The record of departures, written before a call leaves and completed after it.

    The latest 10,000 calls are kept, and for 90 days every call that may have carried weights.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def leave(
        self,
        method: str,
        path: str,
        nbytes: int,
        sha256: str | None,
        told: str | None = None,
        norm: float | None = None,
    ) -> int:
        """Records a call that is about to leave; returns its number."""
        row = DepartureRow(
            at=self._now(),
            method=method,
            path=path,
            nbytes=nbytes,
            sha256=sha256,
            status=None,
            told=told,
            norm=norm,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            if row.number % PRUNE_EVERY == 0:
                _prune(session, row.number - KEPT_ROWS, self._now() - KEPT_SECONDS)
            return row.number

    def answered(self, number: int, status: int) -> None:
        """Notes the answer's HTTP status; without an answer it stays None."""
        change = update(DepartureRow).where(DepartureRow.number == number).values(status=status)
        with self._database.write() as session:
            session.execute(change)

    def latest(self, limit: int, offset: int = 0, *, routine: bool = True) -> list[Departure]:
        """The latest departures, newest first, with or without what is routine."""
        newest = select(DepartureRow).order_by(DepartureRow.number.desc())
        if not routine:
            newest = newest.where(not_(or_(*map(DepartureRow.path.like, ROUTINE))))
        with self._database.read() as session:
            rows = session.scalars(newest.offset(offset).limit(limit))
            return [_view(row) for row in rows]


def _prune(session: Session, last: int, before: float) -> None:
    """Deletes, up to row `last`, what is routine or older than `before`."""
    routine = [DepartureRow.path.like(pattern) for pattern in ROUTINE]
    session.execute(
        delete(DepartureRow)
        .where(DepartureRow.number <= last, or_(DepartureRow.at < before, *routine))
        .execution_options(synchronize_session=False)
    )


def _view(row: DepartureRow) -> Departure:
    return Departure(
        at=row.at,
        method=row.method,
        path=row.path,
        nbytes=row.nbytes,
        sha256=row.sha256,
        status=row.status,
        told=row.told,
        norm=row.norm,
    )
