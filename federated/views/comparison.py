"""Runs of a study side by side, as the master shows them."""

from __future__ import annotations

from pydantic import Field

from federated.plan import Setting
from federated.states import RunState
from federated.values import Message


class ComparedRound(Message):
    """The figures that the model of one round had on the test pictures; None where not known."""

    round: int
    figures: dict[str, float | None]


class ComparedRun(Message):
    """One run.

    Attributes:
        differs: Its own values of those settings in which the runs differ, by the setting's
            path in the plan (`training.learning_rate`); None where it has no such setting.
        publish: Whether the study's model follows it.
        rounds: Rounds that were closed with a new model.
        planned: Rounds of the plan.
        figures: What it came to, by column: `seconds` from its first round's opening to its
            last one's end, `bytes_per_round` of the updates that came in, and the last model
            on the test pictures (`loss`, `accuracy`, …). None where not known.
        audit: The last model on the audit pictures, by which one chooses between models
            (`loss`, `accuracy`, …). None where not known.
        best: The columns in which no other run of the comparison is better: of the model's, by
            `audit` and never by the test pictures.
        course: Its rounds, in order.
    """

    id: str
    created_at: float
    state: RunState
    model: str
    publish: bool
    rounds: int
    planned: int
    differs: dict[str, Setting | None]
    figures: dict[str, float | None]
    audit: dict[str, float | None] = Field(default_factory=dict)
    best: list[str]
    course: list[ComparedRound]


class Comparison(Message):
    """`GET /studies/<id>/comparison`.

    Attributes:
        settings: The settings in which the runs differ, by their path in the plan.
        columns: Names of the figures, in order.
        audited: Whether the master has audit pictures of the study; without them no run's model
            is the best.
        runs: Newest first.
    """

    study: str
    settings: list[str]
    columns: list[str]
    audited: bool = False
    runs: list[ComparedRun]
