"""Rounds: tasks, updates, verdicts, and what became of the weights."""

from __future__ import annotations

from typing import Any

from federated.messages import Progress
from federated.states import RoundState, TaskState
from federated.statistics import WeightStatistics
from federated.values import Message


class TaskView(Message):
    """A task of a round, with its progress while it trains and its reason when it ended.

    Attributes:
        round: Round in which it counts, or for which it was made.
        base_round: Round that made the weights it started from.
        attempt: 1, or more where the same work was handed out again.
        batch: SHA-256 of the batch that was assigned, if any.
        lost: Whether its node fell silent: it waits for that node's return.
        lease_until: When it counts as lost unless it is heard of; None once it is over.
        staleness: Versions that the global model had moved on by when it counted; None
            before, and always 0 in a synchronous run.
    """

    id: str
    node: str
    node_name: str
    round: int
    state: TaskState
    reason: str | None
    progress: Progress | None
    created_at: float
    changed_at: float
    base_round: int = 0
    attempt: int = 1
    batch: str | None = None
    lost: bool = False
    lease_until: float | None = None
    staleness: int | None = None


class AuditView(Message):
    """The verdict on an update.

    Attributes:
        verdict: `accepted` or `rejected`.
        reasons: Sentences: what was checked and found.
        measured: Figures on the audit pictures (`loss`, `accuracy`, …); empty without any.
        unchecked: Those of `reasons` that say what could not be checked.
    """

    verdict: str
    reasons: tuple[str, ...]
    measured: dict[str, float]
    unchecked: tuple[str, ...] = ()


class UpdateView(Message):
    """An update of a round.

    Attributes:
        status: The task's state: `accepted`, `rejected`, `late`, `submitted` or, where
            another node answered first, `cancelled`.
        base_round: Round that made the weights it started from.
        staleness: Versions that the global model had moved on by when it counted; None
            where it did not.
        share: The weight that it had in the average, 0 to 1; None where it was not used.
        metrics: What the node measured: `loss` and `accuracy` while training; on its validation
            part `val_loss`, `val_accuracy`, `val_balanced_accuracy`, `val_f1`, and where it has
            pictures of more than one class `val_auc` and `val_sensitivity_at_90`. Of fewer
            pictures there than the site insists on, `val_examples` alone.
        credits: What it earned.
    """

    task: str
    node: str
    node_name: str
    status: str
    num_examples: int
    num_steps: int
    metrics: dict[str, float]
    hyperparameters: dict[str, Any]
    sha256: str
    nbytes: int
    seconds: float
    audit: AuditView | None
    share: float | None
    credits: float | None
    base_round: int = 0
    staleness: int | None = None


class ExcludedNode(Message):
    """A node that a round left out, and why."""

    node: str
    node_name: str
    reason: str


class RoundView(Message):
    """One round of a run.

    Attributes:
        deadline_at: When it closes with its quorum, or is extended.
        quorum: Accepted updates that it needs.
        target: Accepted updates with which it closes at once.
        extended: Whether its deadline has been moved, which happens once.
        weights_before: SHA-256 of the global weights that it started from.
        weights_after: SHA-256 of those that it made; None unless closed.
        note: What to know of the global model that it made, as a sentence; None for nothing.
        evaluation: Headline figures on the test part of the new weights (`loss`, `accuracy`,
            `balanced_accuracy`, `auc`, `average_precision`, `f1`, `sensitivity_at_90`,
            `calibration_error`, `brier`; `auc_low` and `auc_high` are the ends of a 95 %
            interval); None without test pictures or not yet.
    """

    run: str
    number: int
    state: RoundState
    reason: str | None
    opened_at: float
    closed_at: float | None
    deadline_at: float
    quorum: int = 1
    target: int = 1
    extended: bool = False
    weights_before: str
    weights_after: str | None
    tasks: list[TaskView]
    updates: list[UpdateView]
    excluded: list[ExcludedNode]
    note: str | None = None
    evaluation: dict[str, float | None] | None


class RoundStatistics(Message):
    """Statistics of the global weights before and after a round."""

    run: str
    round: int
    before: WeightStatistics
    after: WeightStatistics | None
