"""The course of a run in few bytes: what each round came to, and how each site fared in it."""

from __future__ import annotations

from pydantic import Field

from federated.states import RoundState
from federated.values import Message

LEFT_OUT = "left_out"
"""Where a site stood in a round that did without it, beside the states of a task."""


class CourseRound(Message):
    """One round.

    Attributes:
        weights_after: SHA-256 of the global weights that it made; None unless closed.
        evaluation: Figures of those on the test part, by name; empty without test pictures or
            not yet.
    """

    number: int
    state: RoundState
    opened_at: float
    closed_at: float | None = None
    weights_after: str | None = None
    evaluation: dict[str, float | None] = Field(default_factory=dict)


class CourseSite(Message):
    """One site over the rounds: every list has an entry a round, None where there is nothing.

    Attributes:
        states: States of its tasks, or `left_out`.
        staleness: Versions that its update was behind when it counted.
        base_rounds: Round whose model that update began from.
        shares: Weight that its update had in the average, 0 to 1.
        metrics: What it measured on its validation pictures, by name (`val_accuracy`, …).
    """

    node: str
    node_name: str
    states: list[str | None]
    staleness: list[int | None]
    base_rounds: list[int | None]
    shares: list[float | None]
    metrics: dict[str, list[float | None]] = Field(default_factory=dict)


class CourseView(Message):
    """Answer of `GET /runs/<id>/course`.

    Attributes:
        rounds: In order; of a very long run some, evenly spread, the first and last among them.
        total: Rounds that there are.
        sites: In order of their names.
    """

    run: str
    total: int
    rounds: list[CourseRound] = Field(default_factory=list)
    sites: list[CourseSite] = Field(default_factory=list)
