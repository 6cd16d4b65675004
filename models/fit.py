"""Training on arrays: a fresh optimiser, seeded batches, a compiled step."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from federated.errors import FederationError, InvalidInput
from federated.training import Training
from models.compiled import TrainingProgram
from models.named import NamedModel
from models.pictures import Pictures, check_labels, check_pictures

REPORTS_PER_EPOCH = 4
MAX_STEPS_AT_ONCE = 8
MAX_BYTES_AT_ONCE = 32 * 2**20
"""Bound what is gathered for one compiled call, and how long a wish to stop may wait."""

OnProgress = Callable[[int, int, int, int, float, float], None]
"""Called with epoch, epochs, step, steps, loss, accuracy; epoch and step count from 1."""


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What one pass over the pictures came to.

    Attributes:
        loss: Mean cross-entropy over the pictures, each as its step met it, before the update.
        accuracy: Share of the pictures that were right, in the same sense.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training did.

    Attributes:
        num_examples: Pictures trained on.
        num_steps: Optimiser steps taken.
        epochs: Epochs completed.
        history: The figures of each completed epoch.
        stopped: Whether it was stopped before its end.
    """

    num_examples: int
    num_steps: int
    epochs: int
    history: tuple[EpochFigures, ...]
    stopped: bool = False


def fit(
    model: NamedModel,
    images: Pictures,
    labels: np.ndarray,
    training: Training,
    seed: int,
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Trains `model` in place.

    The same model, weights, pictures, settings and seed give the same result, whatever this
    process trained before; to the byte where `models.runtime` was configured so.

    Args:
        model: Its weights are where training starts, and where the result lies.
        images: uint8 (n, height, width, channels), 0–255; batches are gathered by index, so
            a memory-mapped array may be far larger than memory.
        labels: Class indices, integers (n,).
        training: Epochs, batch size, optimiser and its learning rate.
        seed: Decides the order of the pictures and what dropout drops.
        on_progress: Hears the running figures of the epoch, a few times an epoch.
        should_stop: Asked every few steps, at most eight; once it says true, training ends.

    Returns:
        What was done.

    Raises:
        InvalidInput: Pictures or labels do not fit the model or each other, or there are none.
        FederationError: The loss is no longer a finite number (code `training_diverged`).
    """
    num_examples = images.shape[0]
    check_pictures(images, model.picture_shape)
    check_labels(labels, num_examples, model.num_classes)
    if training.epochs == 0:
        return FitResult(num_examples, 0, 0, ())
    if num_examples == 0:
        raise InvalidInput("There is nothing to train on", expected="at least one picture")
    program = _program(model, training)
    program.reset(training.learning_rate, seed)
    run = _Run(program, images, labels.astype(np.int32), training, should_stop, on_progress)
    return run.epochs(np.random.default_rng(seed))


def prepare(model: NamedModel, training: Training) -> None:
    """Compiles what `fit` will need; a worker does it while it waits for its first task.

    Args:
        model: Its weights stay as they are.
        training: Only the optimiser's name matters.
    """
    _program(model, training).compile()


def _program(model: NamedModel, training: Training) -> TrainingProgram:
    make = functools.partial(TrainingProgram, optimizer=training.optimizer)
    return model.program(f"train/{training.optimizer}", make)


@dataclass(frozen=True, slots=True)
class _Run:
    """The arguments of one `fit`, which its loops share."""

    program: TrainingProgram
    images: Pictures
    labels: np.ndarray
    training: Training
    should_stop: Callable[[], bool]
    on_progress: OnProgress

    def epochs(self, rng: np.random.Generator) -> FitResult:
        num_examples = len(self.labels)
        history: list[EpochFigures] = []
        num_steps = 0
        while len(history) < self.training.epochs:
            order = batch_order(num_examples, self.training.batch_size, rng)
            taken, figures = self.epoch(len(history) + 1, order)
            num_steps += taken
            if figures is None:
                return FitResult(num_examples, num_steps, len(history), tuple(history), True)
            history.append(figures)
        return FitResult(num_examples, num_steps, len(history), tuple(history))

    def epoch(self, epoch: int, order: np.ndarray) -> tuple[int, EpochFigures | None]:
        batch_size = self.training.batch_size
        steps = math.ceil(len(order) / batch_size)
        every = math.ceil(steps / REPORTS_PER_EPOCH)
        at_once = min(every, self.steps_at_once)
        self.program.start_epoch()
        figures, reported = None, 0
        for step in range(0, steps, at_once):
            if self.should_stop():
                return step, None
            chosen = order[step * batch_size : (step + at_once) * batch_size]
            self.program.steps(self.images[chosen], self.labels[chosen], batch_size)
            done = min(step + at_once, steps)
            if done - reported >= every or done == steps:
                figures, reported = self.report(epoch, done, steps), done
        return steps, figures

    @property
    def steps_at_once(self) -> int:
        of_a_batch = self.training.batch_size * math.prod(self.images.shape[1:])
        return max(1, min(MAX_STEPS_AT_ONCE, MAX_BYTES_AT_ONCE // of_a_batch))

    def report(self, epoch: int, step: int, steps: int) -> EpochFigures:
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
