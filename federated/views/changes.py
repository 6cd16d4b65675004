"""How far each tensor moved in each round."""

from __future__ import annotations

from pydantic import Field

from federated.values import Message


class WeightChanges(Message):
    """Answer of `GET /runs/<id>/changes`.

    Attributes:
        rounds: Closed rounds, in order: the last, and before it some evenly spread ones where
            there are more than can be worked out at once.
        total: Closed rounds that there are.
        tensors: By name, in the order of the model's layers: for each of `rounds` the length of
            the change over the length of the tensor before; None where that was zero.
    """

    run: str
    rounds: list[int] = Field(default_factory=list)
    total: int = 0
    tensors: dict[str, list[float | None]] = Field(default_factory=dict)
