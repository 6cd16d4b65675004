"""Credits: the ledger, the leaderboard, and how the credits of each round arose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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
    policy: str = ""


class Standing(Message):
    """A node's place on the leaderboard.

    Attributes:
        credits: Granted so far.
        updates: Accepted updates of closed rounds.
        pending: Of these, updates whose credits are still being worked out.
        recent_average: Credits a day, each counting half as much for every week since it was
            granted.
    """

    rank: int
    node: str
    node_name: str
    credits: float
    updates: int
    pending: int = 0
    recent_average: float = 0.0


class CreditShare(Message):
    """What one update of a round was worth.

    Attributes:
        compared: The accuracy on the audit pictures that its contribution was reckoned from:
            of its own weights (`accuracy`, `improvement`), of the others without it
            (`leave_one_out`), of what the strategy makes of it alone (`shapley`).
        contribution: What it brought, in accuracy; negative where it cost some.
        credits: Its part of the pool.
    """

    task: str
    node: str
    node_name: str
    num_examples: int
    compared: float | None
    contribution: float | None
    credits: float


class RoundCredits(Message):
    """How the credits of a round arose.

    Attributes:
        policy: The plan's policy.
        state: `pending` while models are measured; `granted`; or `none`, with the reason.
        before: Accuracy of the model that the round started from, where the policy asks for it.
        after: Accuracy of the model that it made, where the policy asks for it.
        orders: Orders of the updates that an estimate rests on.
        models: Models that were measured.
        most_models: Most that the plan allows; None where the policy sets the number.
        updates: Accepted updates; their figures are missing while it is pending.
    """

    run: str
    round: int
    policy: str
    pool: int
    state: Literal["pending", "granted", "none"]
    reason: str | None = None
    before: float | None = None
    after: float | None = None
    orders: int | None = None
    models: int = 0
    most_models: int | None = None
    created_at: float
    settled_at: float | None = None
    updates: list[CreditShare] = Field(default_factory=list)


class CreditTrend(Message):
    """How a node's credits grew.

    Attributes:
        points: Times and credits so far, oldest first; of many entries only some.
    """

    node: str
    node_name: str
    points: list[tuple[float, float]]


class Rewards(Message):
    """The ledger, the leaderboard, and how the credits of the newest rounds arose.

    Attributes:
        rounds: Newest first: those of one run all, of all runs the last and the pending ones.
        trend: Of the first nodes of the leaderboard.
        entries: How many entries the ledger has, also where only its newest are told.
    """

    ledger: list[LedgerEntry]
    leaderboard: list[Standing]
    rounds: list[RoundCredits] = Field(default_factory=list)
    trend: list[CreditTrend] = Field(default_factory=list)
    entries: int = 0
