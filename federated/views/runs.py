"""Runs, and what happens in them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from federated.plan import Plan
from federated.states import RunState
from federated.values import Message
from federated.views.rounds import TaskView


class RunView(Message):
    """A run.

    Attributes:
        round: Number of the last round opened; 0 before the first.
        tasks: Tasks of the round under way.
        reason: Why it is in its state, where that needs saying ("waiting for pictures").
        weights: SHA-256 of its latest global weights.
        frozen: SHA-256 of the part of its model that nothing trains; None where all travels.
    """

    id: str
    study: str
    plan: Plan
    plan_sha256: str
    state: RunState
    reason: str | None
    round: int
    created_at: float
    finished_at: float | None
    weights: str
    frozen: str | None = None
    tasks: list[TaskView]
    evaluation: dict[str, float | None] | None


class Event(Message):
    """Something that happened, as a sentence, with the facts beside it."""

    id: int
    at: float
    run: str | None
    kind: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)
