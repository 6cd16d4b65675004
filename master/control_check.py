"""Whether the control variates of an update are of the size of the way that its weights went.

They need not be believed: Δcᵢ + c is the mean step, and so follows from the weights. One update
whose control variates were large numbers would lead every site astray in the next round. So is
the number of steps reckoned, not believed, and so must the weights come without a lossy encoding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from federated.control import CONTROL_PREFIX
from federated.errors import InvalidInput
from federated.signature import Signature
from federated.steps import steps_of
from federated.training import Training
from federated.wire import TensorReader, UpdateDocument
from models.training.schedule import Span, learning_rates

MOST = 10.0
"""How many times as long as the mean step the told one may be: for sites that count steps, or
take gradients, in a way of their own."""

ROUNDING = 1e-6
"""Part of c by which a change in float32 may be off: a site without a gradient returns −c."""

FINEST = 10_000
"""Steps of which the learning rates are added up; of more, so many stand for all."""


@dataclass(frozen=True, slots=True)
class ControlTerms:
    """What the control variates of an update are held against.

    Attributes:
        signature: Their names, shapes and dtypes.
        training: How the task was to be trained.
        span: Which part of the run's schedule it was.
        everyones: SHA-256 of the c that the task named, if it named one.
    """

    signature: Signature
    training: Training
    span: Span
    everyones: str | None

    def rate_sum(self, document: UpdateDocument) -> float:
        """Sum of the learning rates of the steps that an update stands for."""
        training = self.training
        taken = steps_of(training, document.num_examples, document.num_steps)
        steps = training.epochs * math.ceil(document.num_examples / training.batch_size)
        fineness = min(steps, FINEST)
        if not taken:
            return 0.0
        rates = learning_rates(training.schedule, training.learning_rate, fineness, self.span)
        return taken * float(rates[: math.ceil(fineness * taken / steps)].mean(dtype=np.float64))


def check_change(
    terms: ControlTerms,
    document: UpdateDocument,
    change: TensorReader,
    after: TensorReader,
    before: TensorReader,
    everyones: TensorReader | None,
) -> None:
    """Compares Δcᵢ with the weights, tensor by tensor.

    Args:
        terms: What the task asked for.
        document: What the update claims.
        change: Its Δcᵢ.
        after: Its weights.
        before: Those that it began from.
        everyones: The server's c, where the task named one.

    Raises:
        InvalidInput: They are far larger than a training can have made them, or the weights are
            rounded too coarsely to tell.
    """
    _require_exact(document)
    told, gone, size = 0.0, 0.0, 0.0
    rates = terms.rate_sum(document)
    for name in terms.signature.names:
        step = change.get_tensor(name).astype(np.float64)
        if everyones is not None and rates:
            everyone = everyones.get_tensor(name).astype(np.float64)
            step, size = step + everyone, size + _square(everyone)
        weights = after.get_tensor(name.removeprefix(CONTROL_PREFIX)).astype(np.float64)
        way = before.get_tensor(name.removeprefix(CONTROL_PREFIX)) - weights
        told, gone = told + _square(step), gone + _square(way)
    most = MOST * math.sqrt(gone) / rates + ROUNDING * math.sqrt(size) if rates else 0.0
    # Not `>`: a sum that is no number any more is refused too.
    if not math.sqrt(told) <= most < math.inf:
        raise InvalidInput(
            "The control variates do not fit the way that the weights have gone",
            expected=f"a mean step of norm {most:.3g} at most",
            received=f"{math.sqrt(told):.3g}",
            code="bad_control",
        )


def _require_exact(document: UpdateDocument) -> None:
    """Rounded weights would hide the way that they went, and the sender chooses how far."""
    if document.encoding != "float32":
        raise InvalidInput(
            "With control variates the weights have to come unrounded",
            expected="the encoding float32",
            received=document.encoding,
            code="lossy_encoding",
        )


def _square(array: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.square(array).sum())
