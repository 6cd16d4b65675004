"""Models of several runs on the same test pictures, each picture compared with itself."""

from __future__ import annotations

from pydantic import Field

from federated.values import Message


class PairedRun(Message):
    """The last model of a run beside the reference's.

    Attributes:
        accuracy: Share of the pictures that it is right about; None where it cannot be measured.
        difference: Its accuracy less the reference's.
        low: Lower end of the difference's 95 % interval.
        high: Upper end of it.
        only_run: Pictures that it alone is right about.
        only_reference: Pictures that the reference alone is right about.
        p_value: How often chance alone would part two equal models so far (McNemar, exact).
        reason: Why its figures are missing.
    """

    run: str
    accuracy: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    only_run: int = 0
    only_reference: int = 0
    p_value: float | None = None
    reason: str | None = None


class PairedView(Message):
    """Answer of `GET /studies/<id>/paired`.

    Attributes:
        reference: The run that the others are compared with.
        num_examples: Test pictures; 0 where the master has none, and nothing is compared.
        accuracy: Of the reference.
        runs: The others, in the order in which they were named.
    """

    study: str
    reference: str
    num_examples: int = 0
    accuracy: float | None = None
    runs: list[PairedRun] = Field(default_factory=list)
