"""What one step of a run came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to.

    Attributes:
        moved: Whether something changed, so that another step may be possible at once.
        again_at: When to look again even if nothing happens; None for never.
        build: Whether a fresh initial model is needed first.
        gather: Whether the models are to be gathered that the sites shall measure.
        aggregate: The round to be averaged now.
        reached: The failpoint that is reached once the step is in the tables.
    """

    moved: bool = False
    again_at: float | None = None
    build: bool = False
    gather: bool = False
    aggregate: int | None = None
    reached: str | None = None
