"""What a lesson's federation is made of; the same settings show the same course."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from federated.strategies import RULES
from federated.values import Value

Task = Literal["points", "digits"]
Hostile = Literal["none", "flip", "scale", "labels"]

TASKS: tuple[Task, ...] = ("points", "digits")
HOSTILE: tuple[Hostile, ...] = ("none", "flip", "scale", "labels")

STRATEGIES = (
    "fedavg",
    "mean",
    "fedprox",
    "scaffold",
    "fedavgm",
    "fedadam",
    "fedyogi",
    "median",
    "trimmed_mean",
    "geometric_median",
    "krum",
    "multi_krum",
)
"""The product's rules that a synchronous federation without audit pictures can follow."""

ROUNDS = 30
"""Rounds that a lesson has."""


class Lesson(Value):
    """The settings of one federation.

    Attributes:
        task: Points of the plane in two classes, or hand-written digits of 8 × 8 pixels in ten.
        sites: How many there are.
        alpha: Concentration of the Dirichlet distribution that deals out the examples.
        fraction: Share of the sites that a round asks.
        dropout: Probability that a site that was asked does not answer.
        epochs: Passes of a site over its examples in a round.
        strategy: One of `STRATEGIES`.
        server_lr: Step size of the server; 0 for the strategy's own default.
        hostile: What the last site does to the others, if anything.
        noise: Standard deviation of the noise that each site adds to its weights.
        seed: Root of every random choice.
    """

    task: Task = "points"
    sites: Annotated[int, Field(ge=2, le=12)] = 5
    alpha: Annotated[float, Field(ge=0.05, le=100)] = 1.0
    fraction: Annotated[float, Field(ge=0.1, le=1)] = 1.0
    dropout: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    epochs: Annotated[int, Field(ge=1, le=10)] = 2
    strategy: Annotated[str, Field(pattern=f"^({'|'.join(STRATEGIES)})$")] = "fedavg"
    server_lr: Annotated[float, Field(ge=0, le=10)] = 0.0
    hostile: Hostile = "none"
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0, le=9999)] = 1

    @property
    def rule_settings(self) -> dict[str, float]:
        """What the strategy is told beyond its defaults."""
        if self.server_lr and has_server_lr(self.strategy):
            return {"server_lr": self.server_lr}
        return {}


def has_server_lr(strategy: str) -> bool:
    """Whether the strategy's server takes steps of a size that can be set."""
    return "server_lr" in RULES[strategy].settings.model_fields
