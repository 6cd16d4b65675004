"""The models that the sites of a run measure: whose blobs they are, and how long."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from master.store.tables import CrossSiteRow


def hashes(session: Session, run_id: str) -> tuple[str, ...]:
    """The weights that the sites of a run measure, the global ones first."""
    row = session.get(CrossSiteRow, run_id)
    return _weights(row.models if row else [])


def in_use(session: Session) -> set[str]:
    """The weights of all measurements that are not over."""
    query = select(CrossSiteRow.models).where(CrossSiteRow.closed_at.is_(None))
    return {sha256 for models in session.scalars(query) for sha256 in _weights(models)}


def _weights(models: list[dict[str, str | None]]) -> tuple[str, ...]:
    found = (model["weights"] for model in models)
    # Two sites may have sent the same bytes.
    return tuple(dict.fromkeys(sha256 for sha256 in found if sha256))
