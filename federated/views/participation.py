"""How a site takes part, as it shows itself to its own people, and what has left it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federated.plan import Plan
from federated.values import Message, Value

Approval = Literal["automatic", "ask"]
"""Whether a site trains by every plan that its people have not declined, or asks them first."""

Decision = Literal["undecided", "approved", "declined"]
"""What a site's people have made of a plan."""

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day on the site's own clock, as `HH:MM`."""


class Hours(Value):
    """A part of each day; it goes on past midnight where it closes before it opens.

    Attributes:
        opens: Its first minute.
        closes: The first minute after it.
    """

    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.opens == self.closes:
            raise ValueError("opens and closes are the same; leave hours out for the whole day")
        return self


class Limits(Value):
    """What a site lets training have of its computer.

    Attributes:
        hours: When a task may begin; None for always.
        threads: Processor threads of the trainer; None for as many as the child was started with.
    """

    hours: Hours | None = None
    threads: Annotated[int, Field(ge=1, le=256)] | None = None


class Departure(Message):
    """One thing that left the site: numbers and hashes, never a name or a picture.

    Attributes:
        told: The figures themselves, as JSON, where the call carried some about the site's
            validation pictures.
        norm: Of an update: how far its weights are from those that it began with (L2).
    """

    at: float
    method: str
    path: str
    nbytes: int
    sha256: str | None
    status: int | None
    told: str | None = None
    norm: float | None = None


class ProposedPlan(Message):
    """A plan that a task came with.

    Attributes:
        sha256: The plan's name.
        study: Study of the last task that came with it.
        run: Run of that task.
        plan: The plan.
        nbytes: Bytes of the weights that a training by it sends to the master.
        pictures: Labelled pictures that this site has of the study, where it trains on its own.
        decision: What the site's people have made of it.
        seen_at: When a task came with it last.
    """

    sha256: str
    study: str
    run: str
    plan: Plan
    nbytes: int
    pictures: int | None
    decision: Decision
    seen_at: float


class RoundFigures(Message):
    """How a model did on this site's own validation pictures, before and after a training here.

    Attributes:
        received: Accuracy of the global model that the round began with.
        trained: Accuracy of the model that this site made of it.
    """

    run: str
    study: str
    round: int
    received: float
    trained: float
    at: float


class Participation(Message):
    """`GET /participation`: whether and how the site takes part, and what has left it.

    Attributes:
        sharing: Who sees what this site sends, in words for the clinician.
        approval: Whether the site's people are asked about each new plan.
        limits: What training may have of the computer.
        open: Whether a task may begin now, as far as the hours go.
        plans: Plans that tasks came with, the latest first.
        rounds: Figures of the latest rounds, oldest first.
        credits: What the site has earned, as the master told last; None before it did.
    """

    paused: bool
    sharing: str = ""
    departures: list[Departure]
    approval: Approval = "automatic"
    limits: Limits = Limits()
    open: bool = True
    plans: list[ProposedPlan] = Field(default_factory=list)
    rounds: list[RoundFigures] = Field(default_factory=list)
    credits: float | None = None
