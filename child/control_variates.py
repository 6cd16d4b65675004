"""The control variates of a training, on the side of the site: read, used, and moved on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from child.worker_messages import TrainingRequest
from federated.control import control_change, correction, kept_signature
from federated.errors import FederationError
from federated.signature import Signature
from federated.strategies import controls_of
from federated.wire import encode_weights
from federated.wire_checks import check_weights
from serving.blobs import open_blob
from serving.files import write_file

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class ControlVariates:
    """What one training goes by.

    Attributes:
        everyones: The server's c; zeros in the first round of a run.
        own: This site's cᵢ; zeros until an update of its has counted.
    """

    everyones: Tensors
    own: Tensors

    @classmethod
    def of(cls, request: TrainingRequest) -> Self | None:
        """Those of a task; None where its strategy has none.

        A cᵢ that the master has counted, and that is lost here, is taken to be c, which is the
        mean of all cᵢ: the step is not corrected then.

        Raises:
            FederationError: The server's cannot be read.
        """
        task = request.task
        signature = controls_of(task.plan.strategy, task.signature)
        if signature is None:
            return None
        zeros = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in signature.tensors}
        everyones: Tensors = zeros
        if request.control is not None:
            everyones = _tensors(request.control, kept_signature(task.signature), signature.names)
        return cls(everyones, _own(request, signature) or (everyones if task.counted else zeros))

    @property
    def correction(self) -> dict[str, np.ndarray]:
        """What is added to each step, by tensor name."""
        return correction(self.everyones, self.own)

    def move(
        self, before: Tensors, after: Tensors, rate_sum: float, place: Path
    ) -> dict[str, np.ndarray]:
        """Writes the new cᵢ and returns Δcᵢ, under the names that an update's extras have.

        Args:
            before: Weights that the training began from.
            after: Weights that it came to.
            rate_sum: Sum of the learning rates of its steps.
            place: File of the new cᵢ.
        """
        change = control_change(before, after, self.everyones, rate_sum)
        write_file(place, encode_weights({name: self.own[name] + change[name] for name in change}))
        return change


def _own(request: TrainingRequest, signature: Signature) -> Tensors | None:
    if request.own_control is None:
        return None
    try:
        return _tensors(request.own_control, signature, signature.names)
    except FederationError:
        # A file that this machine has damaged is as good as lost.
        return None


def _tensors(path: Path, signature: Signature, names: Iterable[str]) -> Tensors:
    with open_blob(path) as blob:
        check_weights(blob, signature)
        return {name: blob.get_tensor(name) for name in names}
