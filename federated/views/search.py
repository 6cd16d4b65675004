"""The search of a run: what was tried, and what came of it."""

from __future__ import annotations

from pydantic import Field

from federated.search import Search, Told, TrialState
from federated.values import Message


class TrialView(Message):
    """One task of a search.

    Attributes:
        number: From 1, in the order in which they were proposed.
        parameters: What it was trained with, by name.
        state: `running`; `complete`; or `failed`: no accepted update came of it.
        score: Accuracy of its update on the master's audit pictures.
        lead: How far that lies above the median of its round, by which the search goes.
        reason: Why it failed, where the task says so.
    """

    number: int
    task: str
    round: int
    node: str
    node_name: str
    parameters: dict[str, Told]
    state: TrialState
    score: float | None = None
    lead: float | None = None
    reason: str | None = None


class SearchView(Message):
    """Answer of `GET /runs/<id>/search`.

    Attributes:
        search: The plan's search: its space and sampler.
    """

    run: str
    search: Search
    trials: list[TrialView] = Field(default_factory=list)
