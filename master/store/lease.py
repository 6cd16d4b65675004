"""Leases: exactly one coordinator moves states."""

from __future__ import annotations

from sqlalchemy.orm import Session

from master.store.tables import LeaseRow


def hold(session: Session, name: str, holder: str, now: float, seconds: float) -> bool:
    """Takes or renews a lease; False while somebody else holds it."""
    row = session.get(LeaseRow, name)
    if row is None:
        session.add(LeaseRow(name=name, holder=holder, until=now + seconds))
        return True
    if row.holder != holder and row.until > now:
        return False
    row.holder, row.until = holder, now + seconds
    return True


def release(session: Session, name: str, holder: str) -> None:
    """Gives a lease back, so that the next holder need not wait for its end."""
    row = session.get(LeaseRow, name)
    if row is not None and row.holder == holder:
        session.delete(row)
