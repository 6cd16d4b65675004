"""The ledger: credits, in thousandths, added and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.views import CreditTrend, LedgerEntry
from master.store.tables import LedgerRow, NodeRow

MOST_POINTS = 100
"""Points of a node's credits over time: more than a chart can tell apart."""


@dataclass(frozen=True, slots=True)
class Credit:
    """An entry to be written.

    Attributes:
        node: The node that earns it.
        task: The task that it is for.
        amount: In thousandths of a credit.
        policy: The rule by which it arose.
        reason: The rule applied, as a sentence.
    """

    node: str
    task: str
    amount: int
    policy: str
    reason: str


def add(session: Session, run: str, number: int, credits: list[Credit], now: float) -> None:
    """Writes the credits of a round."""
    session.add_all(
        LedgerRow(
            entry="reward",
            at=now,
            node_id=credit.node,
            run_id=run,
            round=number,
            task_id=credit.task,
            amount=credit.amount,
            policy=credit.policy,
            reason=credit.reason,
        )
        for credit in credits
    )


def by_node(session: Session) -> dict[str, float]:
    """Credits of each node that has any."""
    query = select(LedgerRow.node_id, func.sum(LedgerRow.amount)).group_by(LedgerRow.node_id)
    return {node: int(amount) / 1000 for node, amount in session.execute(query)}


def of_node(session: Session, node: str) -> float:
    """Credits of one node."""
    query = select(func.sum(LedgerRow.amount)).where(LedgerRow.node_id == node)
    return int(session.scalar(query) or 0) / 1000


def by_task(session: Session, run: str, number: int) -> dict[str, float]:
    """Credits of each task of a round that earned any."""
    query = (
        select(LedgerRow.task_id, func.sum(LedgerRow.amount))
        .where(LedgerRow.run_id == run, LedgerRow.round == number)
        .group_by(LedgerRow.task_id)
    )
    return {task: int(amount) / 1000 for task, amount in session.execute(query) if task}


def entries(
    session: Session, run: str | None = None, newest: int | None = None
) -> list[LedgerEntry]:
    """The ledger, oldest first, of one run or of all; all of it, or its newest entries."""
    query = select(LedgerRow, NodeRow.name).join(NodeRow, NodeRow.id == LedgerRow.node_id)
    if run is not None:
        query = query.where(LedgerRow.run_id == run)
    last_first = query.order_by(LedgerRow.id.desc()).limit(newest)
    return [_entry(row, name) for row, name in session.execute(last_first)][::-1]


def count(session: Session, run: str | None = None) -> int:
    """Entries of the ledger, of one run or of all."""
    query = select(func.count()).select_from(LedgerRow)
    return int(session.scalar(query if run is None else query.where(LedgerRow.run_id == run)) or 0)


def trend(session: Session, names: Mapping[str, str], run: str | None = None) -> list[CreditTrend]:
    """How the credits of some nodes grew, after some of their entries, the last among them.

    Args:
        session: The transaction.
        names: The nodes, by their ids, in the order in which they are told.
        run: One run alone.
    """
    query = select(LedgerRow.node_id, LedgerRow.at, LedgerRow.amount)
    query = query.where(LedgerRow.node_id.in_([*names])).order_by(LedgerRow.id)
    if run is not None:
        query = query.where(LedgerRow.run_id == run)
    sums: dict[str, list[tuple[float, float]]] = {node: [] for node in names}
    for node, at, amount in session.execute(query):
        before = sums[node][-1][1] if sums[node] else 0.0
        sums[node].append((at, round(before + int(amount) / 1000, 3)))
    return [
        CreditTrend(node=node, node_name=name, points=_thinned(sums[node]))
        for node, name in names.items()
        if sums[node]
    ]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Some of many points, evenly, always with the last."""
    step = -(-len(points) // MOST_POINTS)
    return points[::-step][::-1]


def amounts(session: Session, run: str, number: int) -> dict[str, int]:
    """Thousandths of each task of a round that earned any; each has one entry."""
    query = select(LedgerRow.task_id, LedgerRow.amount).where(
        LedgerRow.run_id == run, LedgerRow.round == number
    )
    return {task: int(amount) for task, amount in session.execute(query) if task}


def rounds_paid(session: Session) -> list[tuple[str, int]]:
    """`(run, round)` of every round that the ledger has entries of, oldest first."""
    query = select(LedgerRow.run_id, LedgerRow.round).where(LedgerRow.round.is_not(None))
    grouped = query.group_by(LedgerRow.run_id, LedgerRow.round).order_by(func.min(LedgerRow.id))
    return [(run, number) for run, number in session.execute(grouped) if run and number]


def _entry(row: LedgerRow, name: str) -> LedgerEntry:
    return LedgerEntry(
        id=row.id,
        at=row.at,
        node=row.node_id,
        node_name=name,
        run=row.run_id or "",
        round=row.round or 0,
        task=row.task_id or "",
        credits=row.amount / 1000,
        reason=row.reason,
        policy=row.policy,
    )
