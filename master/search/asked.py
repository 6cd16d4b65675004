"""Proposals that were worked out ahead of the transaction that writes them."""

from __future__ import annotations

from dataclasses import dataclass

from federated.plan import Plan
from federated.search import Hyperparameters
from master.search.trials import Trial


@dataclass(frozen=True, slots=True)
class Ask:
    """All that proposals follow from: the same ask has the same answer.

    Attributes:
        plan: A plan that searches.
        number: The round that they are for.
        trials: All trials of the run so far.
        count: How many are wanted.
    """

    plan: Plan
    number: int
    trials: tuple[Trial, ...]
    count: int


class Proposed:
    """The last answer of each run, until it is used; another ask finds nothing."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[Ask, tuple[Hyperparameters, ...]]] = {}

    def keep(self, run_id: str, ask: Ask, answer: tuple[Hyperparameters, ...]) -> None:
        """Keeps an answer in the place of the run's last."""
        self._answers[run_id] = (ask, answer)

    def find(self, run_id: str, ask: Ask) -> tuple[Hyperparameters, ...] | None:
        """The answer to exactly this ask; None where it has not been worked out."""
        known, answer = self._answers.get(run_id, (None, ()))
        return answer if known == ask else None

    def forget(self, run_id: str) -> None:
        """Drops the answer of a run that has been written, or is over."""
        self._answers.pop(run_id, None)
