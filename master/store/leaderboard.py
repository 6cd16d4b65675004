"""The leaderboard: what each node was granted, what is pending, and its recent average."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.states import RoundState, TaskState
from federated.views import Standing
from master.rewards import UNIT, recent_average
from master.store.round_credits import PENDING
from master.store.tables import LedgerRow, NodeRow, RoundCreditsRow, RoundRow, TaskRow


@dataclass(slots=True)
class _Place:
    """What is known of a node: entries as `(time, thousandths)`, and counts of updates."""

    name: str
    entries: list[tuple[float, int]] = field(default_factory=list)
    updates: int = 0
    pending: int = 0

    @property
    def amount(self) -> int:
        return sum(amount for _, amount in self.entries)


def leaderboard(session: Session, now: float, run: str | None = None) -> list[Standing]:
    """Who has how many credits, of one run or of all; ties share a rank.

    Every node is on it that had an accepted update in a closed round, also one that earned
    nothing by it.

    Args:
        session: The transaction.
        now: The time, for the recent average.
        run: One run alone.
    """
    places = _places(session, run)
    # Once a node: it is the sum of all its entries.
    amounts = {node: place.amount for node, place in places.items()}
    ordered = sorted(places, key=lambda node: (-amounts[node], places[node].name))
    return [
        Standing(
            rank=1 + sum(amount > amounts[node] for amount in amounts.values()),
            node=node,
            node_name=places[node].name,
            credits=amounts[node] / UNIT,
            updates=places[node].updates,
            pending=places[node].pending,
            recent_average=recent_average(
                ((at, amount / UNIT) for at, amount in places[node].entries), now
            ),
        )
        for node in ordered
    ]


def _places(session: Session, run: str | None) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    entries = select(LedgerRow.node_id, NodeRow.name, LedgerRow.at, LedgerRow.amount).join(
        NodeRow, NodeRow.id == LedgerRow.node_id
    )
    if run is not None:
        entries = entries.where(LedgerRow.run_id == run)
    for node, name, at, amount in session.execute(entries.order_by(LedgerRow.id)):
        places.setdefault(node, _Place(name)).entries.append((at, amount))
    for node, name, updates, waiting in _counts(session, run):
        place = places.setdefault(node, _Place(name))
        place.updates, place.pending = updates, waiting
    return places


def _counts(session: Session, run: str | None) -> list[tuple[str, str, int, int]]:
    """`(node, name, accepted updates of closed rounds, of these pending)`."""
    waits = func.count(RoundCreditsRow.round)
    query = (
        select(TaskRow.node_id, NodeRow.name, func.count(), waits)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .join(
            RoundRow,
            (RoundRow.run_id == TaskRow.run_id) & (RoundRow.number == TaskRow.counted_in),
        )
        .outerjoin(
            RoundCreditsRow,
            (RoundCreditsRow.run_id == TaskRow.run_id)
            & (RoundCreditsRow.round == TaskRow.counted_in)
            & (RoundCreditsRow.state == PENDING),
        )
        .where(TaskRow.state == TaskState.ACCEPTED, RoundRow.state == RoundState.CLOSED)
        .group_by(TaskRow.node_id, NodeRow.name)
    )
    if run is not None:
        query = query.where(TaskRow.run_id == run)
    return [(node, name, int(all_), int(some)) for node, name, all_, some in session.execute(query)]
