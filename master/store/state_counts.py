"""How many of each kind are in each state."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from master.store.tables import NodeRow, RoundRow, RunRow, TaskRow

KINDS: dict[str, type[NodeRow | RunRow | RoundRow | TaskRow]] = {
    "nodes": NodeRow,
    "runs": RunRow,
    "rounds": RoundRow,
    "tasks": TaskRow,
}


def count_by_state(session: Session) -> dict[str, dict[str, int]]:
    """Counts by kind and state; states that nothing is in are left out."""
    return {
        kind: {
            state: int(number)
            for state, number in session.execute(
                select(table.state, func.count()).group_by(table.state)
            )
        }
        for kind, table in KINDS.items()
    }
