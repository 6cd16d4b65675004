"""How far a model's answer can be relied on, as a site measured it on its own pictures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federated.values import MAX_EXAMPLES, Message

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=MAX_EXAMPLES)]


class Calibration(Message):
    """How a model's probabilities were put right: all of them by one temperature.

    Attributes:
        temperature: Above 1 the model was too sure of itself, below 1 too unsure; at 1 its
            probabilities are left as they are.
        examples: Validation pictures of the site that were looked at.
        missing: Why no temperature was fitted, as a sentence; None where one was.
    """

    temperature: Annotated[float, Field(gt=0)] = 1.0
    examples: Count = 0
    missing: str | None = None


class Sureness(Message):
    """From which probability on an answer counts as sure, and how often such answers are wrong.

    The threshold was chosen on one half of the site's validation pictures; all figures were
    measured on the other.

    Attributes:
        threshold: Least highest probability, after calibration, of a sure answer.
        coverage: Share of the pictures that were answered surely.
        error_when_sure: Share of those that were answered wrongly.
        error_limit: Upper end of the 95 % interval of that share (one-sided, Clopper-Pearson).
        sure_examples: Pictures that were answered surely.
        examples: Pictures of the half that measured.
    """

    threshold: Share
    coverage: Share
    error_when_sure: Share
    error_limit: Share
    sure_examples: Count
    examples: Count
