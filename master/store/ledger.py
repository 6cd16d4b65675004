"""The ledger: credits, in thousandths, added and never changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.views import LedgerEntry, Rewards, Standing
from master.store.tables import LedgerRow, NodeRow


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


def by_task(session: Session, run: str, number: int) -> dict[str, float]:
    """Credits of each task of a round that earned any."""
    query = (
        select(LedgerRow.task_id, func.sum(LedgerRow.amount))
        .where(LedgerRow.run_id == run, LedgerRow.round == number)
        .group_by(LedgerRow.task_id)
    )
    return {task: int(amount) / 1000 for task, amount in session.execute(query) if task}


def rewards(session: Session, run: str | None = None) -> Rewards:
    """Ledger (oldest first) and leaderboard, of one run or of all; ties share a rank."""
    query = select(LedgerRow, NodeRow.name).join(NodeRow, NodeRow.id == LedgerRow.node_id)
    if run is not None:
        query = query.where(LedgerRow.run_id == run)
    rows = [(row, name) for row, name in session.execute(query.order_by(LedgerRow.id))]
    return Rewards(
        ledger=[_entry(row, name) for row, name in rows],
        leaderboard=_leaderboard(rows),
    )


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
    )


def _leaderboard(rows: list[tuple[LedgerRow, str]]) -> list[Standing]:
    totals: dict[tuple[str, str], int] = {}
    tasks: dict[tuple[str, str], set[str | None]] = {}
    for row, name in rows:
        key = (row.node_id, name)
        totals[key] = totals.get(key, 0) + row.amount
        tasks.setdefault(key, set()).add(row.task_id)
    ordered = sorted(totals, key=lambda key: (-totals[key], key[1]))
    return [
        Standing(
            rank=1 + sum(total > totals[key] for total in totals.values()),
            node=key[0],
            node_name=key[1],
            credits=totals[key] / 1000,
            updates=len(tasks[key]),
        )
        for key in ordered
    ]
