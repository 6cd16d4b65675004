"""Whether the site takes part."""

from __future__ import annotations

from sqlalchemy import Boolean
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from serving.database import Database


class ParticipationRow(Base):
    """The one row that says whether the site takes part."""

    __tablename__ = "participation"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    paused: Mapped[bool] = mapped_column(Boolean)


class ParticipationStore:
    """Whether the site takes part; it does until it has paused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused(self) -> bool:
        """Whether the site has stopped taking part for now."""
        with self._database.read() as session:
            row = session.get(ParticipationRow, 1)
            return row is not None and row.paused

    def pause(self, paused: bool) -> None:
        """Stops taking part, or takes part again."""
        with self._database.write() as session:
            session.merge(ParticipationRow(number=1, paused=paused))
