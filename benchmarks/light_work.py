"""What a light node holds, and what it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from benchmarks.connection import Answer
from federated.errors import FederationError
from federated.messages import Task
from federated.study import Study
from federated.wire import UpdateDocument, encode_update

VALIDATION = (
    *("val_loss", "val_accuracy", "val_balanced_accuracy"),
    *("val_f1", "val_auc", "val_sensitivity_at_90"),
)


class Work(Protocol):
    """What a light node has to do with its tasks."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Pictures by class that it says it holds."""

    async def update(self, task: Task, start: Mapping[str, np.ndarray]) -> bytes:
        """The update of a task, from the weights that it names."""

    def answered(self, task: Task, answer: Answer) -> None:
        """Hears what the master said to it."""


class Noise:
    """No training: what it started from plus a little noise.

    Args:
        study: Gives the classes.
        examples: How many pictures of each class it claims; all are trained on.
        seed: Of the noise.
        spread: How much the size of the noise changes from update to update (standard deviation
            of its logarithm). Of 0 all updates are of one length, and each could be a copy of
            any other before.
        validated: Whether it tells figures of validation pictures too, which change a little.
    """

    def __init__(
        self,
        study: Study,
        examples: int,
        seed: int,
        spread: float = 0.0,
        *,
        validated: bool = False,
    ) -> None:
        self._counts = dict.fromkeys(study.classes, examples)
        self._rng = np.random.default_rng(seed)
        self._spread = spread
        # Every fifth, as a plan with such a part has it; no picture both trains and judges.
        self._judging = sum(self._counts.values()) // 5 if validated else 0

    @property
    def counts(self) -> Mapping[str, int]:
        """As many of each class."""
        return self._counts

    async def update(self, task: Task, start: Mapping[str, np.ndarray]) -> bytes:
        """An update that is made in no time."""
        document = UpdateDocument(
            task=task.id,
            base=task.weights,
            num_examples=sum(self._counts.values()) - self._judging,
            num_steps=1,
            metrics={"loss": 0.5, "accuracy": 0.75} | self._validation(),
        )
        size = 1e-3 * float(np.exp(self._rng.normal(0, self._spread))) if self._spread else 1e-3
        trained = {
            name: tensor + self._rng.normal(0, size, tensor.shape).astype(tensor.dtype)
            for name, tensor in start.items()
        }
        return encode_update(trained, document)

    def _validation(self) -> dict[str, float]:
        if not self._judging:
            return {}
        told = {name: 0.7 + 0.1 * self._rng.random() for name in VALIDATION}
        return told | {"val_examples": float(self._judging)}

    def answered(self, task: Task, answer: Answer) -> None:
        """Nothing of it may be refused.

        Raises:
            FederationError: It was.
        """
        if answer.status >= 400:
            raise refused(f"the update of {task.id}", answer)


def refused(what: str, answer: Answer) -> FederationError:
    """The error for a call that was refused."""
    told = answer.body[:200].decode(errors="replace")
    return FederationError(f"{what} was refused", received=f"{answer.status} {told}")
