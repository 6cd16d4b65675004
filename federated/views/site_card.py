"""What a site knows of the model that it holds, for its model card."""

from __future__ import annotations

from federated.model_card import ModelCard
from federated.plan import Plan
from federated.uncertainty import Calibration, Sureness
from federated.values import Message


class SiteCard(Message):
    """`GET /studies/<study>/card` of a child.

    Attributes:
        plan: The plan whose model is held; None while none is.
        card: What the master has told of that very model; None where it has told nothing yet.
        calibration: As measured here when a picture was last classified by that model; None
            where none was since the child started.
        sureness: Measured then.
        sureness_missing: Why there is no `sureness`, as a sentence.
    """

    plan: Plan | None = None
    card: ModelCard | None = None
    calibration: Calibration | None = None
    sureness: Sureness | None = None
    sureness_missing: str | None = None
