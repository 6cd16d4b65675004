"""Whether and how the site takes part, as its people have chosen."""

from __future__ import annotations

from sqlalchemy import Boolean, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from child.store.base import Base
from federated.views import Approval, Hours, Limits
from serving.database import Database


class ParticipationRow(Base):
    """The one row of what the site has chosen, and what it has earned."""

    __tablename__ = "participation"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    approval: Mapped[str | None] = mapped_column(String(16))
    opens: Mapped[str | None] = mapped_column(String(5))
    closes: Mapped[str | None] = mapped_column(String(5))
    threads: Mapped[int | None]
    credits: Mapped[float | None] = mapped_column(Float)


class ParticipationStore:
    """What the site has chosen; without a word it takes part, at any hour, by any plan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused(self) -> bool:
        """Whether the site has stopped taking part for now."""
        return bool(self._row().paused)

    def pause(self, paused: bool) -> None:
        """Stops taking part, or takes part again."""
        self._change(paused=paused)

    def approval(self) -> Approval:
        """Whether its people are asked about each new plan."""
        return "ask" if self._row().approval == "ask" else "automatic"

    def approve_by(self, approval: Approval) -> None:
        """Asks the site's people about each new plan, or asks them no longer."""
        self._change(approval=approval)

    def limits(self) -> Limits:
        """What training may have of the computer."""
        row = self._row()
        if row.opens is None or row.closes is None:
            return Limits(threads=row.threads)
        return Limits(hours=Hours(opens=row.opens, closes=row.closes), threads=row.threads)

    def limit(self, limits: Limits) -> None:
        """Keeps these limits in place of those before."""
        opens, closes = (limits.hours.opens, limits.hours.closes) if limits.hours else (None, None)
        self._change(opens=opens, closes=closes, threads=limits.threads)

    def credits(self) -> float | None:
        """What the site has earned, as the master told last."""
        return self._row().credits

    def credited(self, credits: float) -> None:
        """Notes what the master told of the site's credits."""
        if credits != self.credits():
            self._change(credits=credits)

    def _row(self) -> ParticipationRow:
        with self._database.read() as session:
            return session.get(ParticipationRow, 1) or ParticipationRow(number=1, paused=False)

    def _change(self, **chosen: bool | str | int | float | None) -> None:
        with self._database.write() as session:
            row = session.get(ParticipationRow, 1)
            if row is None:
                row = ParticipationRow(number=1, paused=False)
                session.add(row)
            for name, value in chosen.items():
                setattr(row, name, value)
