"""Each site's model at each other site, as the master shows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from federated.site_evaluation import ModelFigures
from federated.states import TaskState
from federated.values import Message


class CrossSiteModel(Message):
    """One model that the sites measure: a column of the matrix.

    Attributes:
        name: The site whose last update it is, or `global`.
        node: That site's id; None for the global model.
        weights: SHA-256 of the weights; None where the model cannot be measured.
        reason: Why not, where it cannot.
    """

    name: str
    node: str | None = None
    weights: str | None = None
    reason: str | None = None


class CrossSiteRow(Message):
    """One site: what it found, or why there is nothing of it.

    Attributes:
        state: Where its task is; None where it was given none.
        reason: Why its row is empty, where it is and stays so.
        num_examples: Its validation pictures; None without an answer.
        figures: For each of the models, in their order; empty without an answer.
    """

    node: str
    node_name: str
    state: TaskState | None = None
    reason: str | None = None
    num_examples: int | None = None
    figures: list[ModelFigures | None] = Field(default_factory=list)


class CrossSiteView(Message):
    """`GET /runs/<id>/cross-site`: the last models of a run on each site's validation pictures.

    Attributes:
        state: `waiting` for the run's last round; `preparing` the models; `open` while the
            sites measure; `closed` for good.
        round: The round whose models they are; None before.
        deadline_at: When it closes with what there is.
        models: The columns: the global model, then each site's.
        sites: The rows, in order of the sites' names.
    """

    run: str
    state: Literal["waiting", "preparing", "open", "closed"]
    round: int | None = None
    deadline_at: float | None = None
    models: list[CrossSiteModel] = Field(default_factory=list)
    sites: list[CrossSiteRow] = Field(default_factory=list)
