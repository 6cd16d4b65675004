"""How much an update still counts when the global model has moved on since it began.

References:
    C. Xie, S. Koyejo, I. Gupta, "Asynchronous Federated Optimization", OPT 2020, section 5.2.
    https://arxiv.org/abs/1903.03934
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from federated.values import Value


class Staleness(Value):
    """Settings that the asynchronous rules share.

    Attributes:
        staleness: `constant`: age does not count; `polynomial`: (s + 1)^-a for an update s
            versions old; `hinge`: 1 up to b versions, then 1 / (a (s - b) + 1).
        a: How fast an update loses weight.
        b: Versions of age that cost nothing, for `hinge`.
        max_staleness: Versions of age above which an update is late and does not count.
    """

    staleness: Literal["constant", "polynomial", "hinge"] = "polynomial"
    a: Annotated[float, Field(gt=0, le=100)] = 0.5
    b: Annotated[int, Field(ge=0, le=1000)] = 4
    max_staleness: Annotated[int, Field(ge=0, le=1000)] = 10


def discount(staleness: int, settings: Staleness) -> float:
    """The factor of an update, in (0, 1]; 1 for one that is not stale.

    Args:
        staleness: Versions that the global model has moved on by; 0 or more.
        settings: Which function, with which constants.
    """
    if settings.staleness == "polynomial":
        return float((staleness + 1) ** -settings.a)
    if settings.staleness == "hinge" and staleness > settings.b:
        return 1.0 / (settings.a * (staleness - settings.b) + 1.0)
    return 1.0
