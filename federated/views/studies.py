"""Studies and ready-made plans, as the master shows them."""

from __future__ import annotations

from federated.messages import Counts
from federated.plan import Plan
from federated.study import Study
from federated.values import Message


class CurrentModel(Message):
    """The current global model of a study.

    Attributes:
        model: Name of the architecture.
        weights: SHA-256 of its weights.
        run: Run that made it; None for the initial model.
        round: Round that made it; 0 for the initial model.
        parameters: Number of values in the weights that are trained and travel.
        nbytes: Size of those weights on the wire.
        frozen: SHA-256 of the part that nothing trains, sent once; None where there is none.
        frozen_parameters: Number of values in that part.
        frozen_nbytes: Size of that part.
    """

    model: str
    weights: str
    run: str | None
    round: int
    parameters: int
    nbytes: int
    frozen: str | None = None
    frozen_parameters: int = 0
    frozen_nbytes: int = 0


class StudyView(Message):
    """A study with its current model and the master's own pictures, counted.

    Attributes:
        current: None while the initial model is being built, or if that failed.
        problem: Why there is no model, if there is none and there should be.
        pictures: The master's own pictures: part (`audit`, `test`) → class → number.
        licence: What the operator permits with the master's models; None where nothing is said.
    """

    study: Study
    plan: Plan
    created_at: float
    current: CurrentModel | None
    problem: str | None
    pictures: dict[str, Counts]
    licence: str | None = None


class PlanView(Message):
    """A ready-made plan."""

    name: str
    title: str
    description: str
    plan: Plan
