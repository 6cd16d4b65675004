"""The epochs of one training: batches in random order, told of, judged, and stopped in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from federated.errors import FederationError
from federated.training import Training
from models.named import NamedModel
from models.pictures import Labelled, Pictures
from models.predict import predict
from models.training.augmentation import draw
from models.training.early_stopping import BestEpoch
from models.training.losses import loss_of
from models.training.objective import Batch
from models.training.program import Program
from models.training.result import EpochFigures, FitResult

REPORTS_PER_EPOCH = 4
MAX_STEPS_AT_ONCE = 8
MAX_BYTES_AT_ONCE = 32 * 2**20
"""Bound what is gathered for one compiled call, and how long a wish to stop may wait."""

OnProgress = Callable[[int, int, int, int, float, float], None]
"""Called with epoch, epochs, step, steps, loss, accuracy; epoch and step count from 1."""


@dataclass(frozen=True, slots=True)
class Epochs:
    """One training, epoch after epoch.

    Attributes:
        model: What is trained.
        program: Its compiled steps, begun.
        images: As `models.fit.fit` takes them.
        labels: Class indices, int32 (n,).
        weights: Of each class, float32 (classes,).
        training: Epochs, batch size, augmentation, loss and early stopping.
        rates: The learning rate of each step.
        chance: What augmentation draws from.
        should_stop: Asked every few steps.
        on_progress: Hears the running figures.
    """

    model: NamedModel
    program: Program
    images: Pictures
    labels: np.ndarray
    weights: np.ndarray
    training: Training
    rates: np.ndarray
    chance: np.random.Generator
    should_stop: Callable[[], bool]
    on_progress: OnProgress

    def train(self, rng: np.random.Generator, validation: Labelled | None) -> FitResult:
        """All epochs, or as many as nobody stops.

        Args:
            rng: Orders the pictures.
            validation: What early stopping judges by.

        Raises:
            FederationError: The loss is no longer a finite number (code `training_diverged`).
        """
        rule = self.training.early_stopping
        best = BestEpoch(rule) if rule and validation and len(validation[1]) else None
        history: list[EpochFigures] = []
        steps = 0
        while len(history) < self.training.epochs:
            order = batch_order(len(self.labels), self.training.batch_size, rng)
            taken, figures = self._epoch(len(history) + 1, order)
            steps += taken
            if figures is None:
                return self._result(steps, history, stopped=True)
            if best and validation:
                figures = self._validated(figures, validation)
            history.append(figures)
            if best and self._is_over(best, history):
                break
        if best and best.epoch < len(history):
            self.model.assign(best.weights)
            steps = steps // len(history) * best.epoch
        return self._result(steps, history, kept=best.epoch if best else len(history))

    def _epoch(self, epoch: int, order: np.ndarray) -> tuple[int, EpochFigures | None]:
        batch_size = self.training.batch_size
        steps = math.ceil(len(order) / batch_size)
        every = math.ceil(steps / REPORTS_PER_EPOCH)
        at_once = min(every, self._steps_at_once)
        self.program.start_epoch()
        figures, reported = None, 0
        for step in range(0, steps, at_once):
            if self.should_stop():
                return step, None
            chosen = order[step * batch_size : (step + at_once) * batch_size]
            first = (epoch - 1) * steps + step
            rates = self.rates[first : first + at_once]
            self.program.steps(self._batches(chosen), rates, batch_size)
            done = min(step + at_once, steps)
            if done - reported >= every or done == steps:
                figures, reported = self._report(epoch, done, steps), done
        return steps, figures

    def _batches(self, chosen: np.ndarray) -> Batch:
        channels = self.images.shape[-1]
        labels = self.labels[chosen]
        draws = draw(self.training.augmentation, channels, len(chosen), self.chance)
        return Batch(self.images[chosen], labels, self.weights[labels], draws)

    def _validated(self, figures: EpochFigures, validation: Labelled) -> EpochFigures:
        images, labels = validation
        probabilities = predict(self.model, images)
        loss = loss_of(self.training.loss, self.training.focal_gamma)
        # NumPy's own arrays would meet PyTorch's tensors in the midst of a formula.
        losses = loss(*map(keras.ops.convert_to_tensor, (labels, probabilities)))
        losses = keras.ops.convert_to_numpy(losses)
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        return EpochFigures(figures.loss, figures.accuracy, float(losses.mean()), accuracy)

    def _is_over(self, best: BestEpoch, history: list[EpochFigures]) -> bool:
        """Whether training has gone on long enough; the best weights are kept aside."""
        latest = history[-1]
        if best.judge(len(history), latest.val_loss or 0.0, latest.val_accuracy or 0.0):
            best.weights = self.model.read()
        return best.is_over

    def _result(
        self, steps: int, history: list[EpochFigures], *, kept: int = 0, stopped: bool = False
    ) -> FitResult:
        epochs = len(history)
        return FitResult(
            num_examples=len(self.labels),
            num_steps=steps,
            epochs=epochs,
            history=tuple(history),
            stopped=stopped,
            stopped_early=not stopped and epochs < self.training.epochs,
            kept_epoch=kept,
            rate_sum=float(self.rates[:steps].sum(dtype=np.float64)),
        )

    @property
    def _steps_at_once(self) -> int:
        of_a_picture = self.model.input_dtype.itemsize * math.prod(self.images.shape[1:])
        of_a_batch = self.training.batch_size * of_a_picture
        return max(1, min(MAX_STEPS_AT_ONCE, MAX_BYTES_AT_ONCE // of_a_batch))

    def _report(self, epoch: int, step: int, steps: int) -> EpochFigures:
        loss, accuracy = self.program.figures()
        if not math.isfinite(loss):
            raise FederationError(
                f"Training diverged in epoch {epoch}, step {step}",
                expected="a finite loss; a smaller learning rate may help",
                received=str(loss),
                code="training_diverged",
            )
        self.on_progress(epoch, self.training.epochs, step, steps, loss, accuracy)
        return EpochFigures(loss, accuracy)


def batch_order(num_examples: int, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """All indices, int64 (num_examples,), in random order: every `batch_size` are one batch.

    Indices are sorted within their batch: a step does not depend on their order, and a
    memory-mapped file is read forwards.
    """
    order = rng.permutation(num_examples)
    for start in range(0, num_examples, batch_size):
        order[start : start + batch_size].sort()
    return order
