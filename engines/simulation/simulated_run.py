"""What a simulation came to."""

from __future__ import annotations

from dataclasses import dataclass

from federated.messages import ModelBlobs
from master.search.trials import Trial


@dataclass(frozen=True, slots=True)
class SimulatedUpdate:
    """What a site returned in a round.

    Attributes:
        node: The site.
        num_examples: Pictures that it trained on.
        metrics: Its own figures.
        share: The weight that its update had in the average.
    """

    node: str
    num_examples: int
    metrics: dict[str, float]
    share: float


@dataclass(frozen=True, slots=True)
class SimulatedRound:
    """One round.

    Attributes:
        number: From 1.
        weights_before: SHA-256 of the weights that it started from.
        weights_after: SHA-256 of those that it made.
        updates: In order of the sites' names.
    """

    number: int
    weights_before: str
    weights_after: str
    updates: tuple[SimulatedUpdate, ...]


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """A finished run.

    Attributes:
        rounds: By number.
        model: The last global model.
        trials: What a search has tried, in order.
    """

    rounds: tuple[SimulatedRound, ...]
    model: ModelBlobs
    trials: tuple[Trial, ...] = ()
