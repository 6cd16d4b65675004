"""Credits: the ledger and the leaderboard."""

from __future__ import annotations

from federated.values import Message


class LedgerEntry(Message):
    """One credit, never changed afterwards."""

    id: int
    at: float
    node: str
    node_name: str
    run: str
    round: int
    task: str
    credits: float
    reason: str


class Standing(Message):
    """A node's place on the leaderboard."""

    rank: int
    node: str
    node_name: str
    credits: float
    updates: int


class Rewards(Message):
    """The ledger and the leaderboard."""

    ledger: list[LedgerEntry]
    leaderboard: list[Standing]
