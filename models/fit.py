"""Training on arrays: a fresh optimiser, seeded batches, a compiled step."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from federated.errors import FederationError, InvalidInput
from federated.training import Training
from models.named import NamedModel
from models.pictures import Pictures, check_labels, check_pictures
from models.predict import predict
from models.training.augmentation import check_augmentation, draw
from models.training.class_weights import class_weights
from models.training.early_stopping import BestEpoch
from models.training.losses import loss_of
from models.training.objective import Batch
from models.training.program import Program, training_program
from models.training.recipe import Recipe
from models.training.schedule import WHOLE, Span, learning_rates

REPORTS_PER_EPOCH = 4
MAX_STEPS_AT_ONCE = 8
MAX_BYTES_AT_ONCE = 32 * 2**20
"""Bound what is gathered for one compiled call, and how long a wish to stop may wait."""

OnProgress = Callable[[int, int, int, int, float, float], None]
"""Called with epoch, epochs, step, steps, loss, accuracy; epoch and step count from 1."""

Labelled = tuple[Pictures, np.ndarray]
"""Pictures, and their class indices: integers (n,)."""


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What one pass over the pictures came to.

    Attributes:
        loss: Mean loss over the pictures, each as its step met it, before the update.
        accuracy: Share of the pictures that were right, in the same sense.
        val_loss: The plan's loss on the validation part after the epoch, each picture counted
            alike; None where early stopping did not ask for it.
        val_accuracy: Share of the validation part that was right then.
    """

    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training did.

    Attributes:
        num_examples: Pictures trained on.
        num_steps: Optimiser steps behind the weights that the model has now.
        epochs: Epochs completed.
        history: The figures of each completed epoch.
        stopped: Whether it was stopped from outside before its end.
        stopped_early: Whether the validation part ended it before its last epoch.
        kept_epoch: The epoch whose weights the model has now, from 1; 0 where none was completed.
    """

    num_examples: int
    num_steps: int
    epochs: int
    history: tuple[EpochFigures, ...]
    stopped: bool = False
    stopped_early: bool = False
    kept_epoch: int = 0


def fit(
    model: NamedModel,
    images: Pictures,
    labels: np.ndarray,
    training: Training,
    seed: int,
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    span: Span = WHOLE,
    validation: Labelled | None = None,
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
        span: Which part of the run's schedule this is; `Span.of_round` tells.
        validation: What early stopping judges by; without it, or where it holds no picture, all
            epochs are trained.

    Returns:
        What was done.

    Raises:
        InvalidInput: Pictures or labels do not fit the model or each other, or there are none.
        FederationError: The loss is no longer a finite number (code `training_diverged`).
    """
    num_examples = images.shape[0]
    check_pictures(images, model.input_shape, model.input_dtype)
    check_labels(labels, num_examples, model.num_classes)
    check_augmentation(training.augmentation, model.input_shape)
    if training.epochs == 0:
        return FitResult(num_examples, 0, 0, ())
    if num_examples == 0:
        raise InvalidInput("There is nothing to train on", expected="at least one picture")
    steps = training.epochs * math.ceil(num_examples / training.batch_size)
    run = _Run(
        model=model,
        program=program_for(model, training),
        images=images,
        labels=labels.astype(np.int32),
        weights=class_weights(labels, model.num_classes, training.class_weights),
        training=training,
        rates=learning_rates(training.schedule, training.learning_rate, steps, span),
        # Of its own, so that the order of the pictures is the same with augmentation and without.
        chance=np.random.default_rng([seed, 1]),
        should_stop=should_stop,
        on_progress=on_progress,
    )
    run.program.begin(training, seed)
    return run.epochs(np.random.default_rng(seed), validation)


def prepare(model: NamedModel, training: Training) -> None:
    """Compiles what `fit` will need; a worker does it while it waits for its first task.

    Args:
        model: Its weights stay as they are.
        training: Only what is compiled matters, as `models.training.recipe` says.
    """
    none = np.zeros(0, np.float32)
    images = np.empty((0, *model.input_shape), model.input_dtype)
    draws = draw(training.augmentation, model.input_shape[-1], 0, np.random.default_rng(0))
    batch = Batch(images, none.astype(np.int32), none, draws)
    program_for(model, training).steps(batch, none, batch_size=1)


def program_for(model: NamedModel, training: Training) -> Program:
    """The compiled steps for a plan's training; the same for all that need not compile again."""
    recipe = Recipe.of(training)
    make = functools.partial(training_program, recipe=recipe, dtype=model.input_dtype)
    return model.program(f"train/{recipe}", make)


@dataclass(frozen=True, slots=True)
class _Run:
    """The arguments of one `fit`, which its loops share."""

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

    def epochs(self, rng: np.random.Generator, validation: Labelled | None) -> FitResult:
        rule = self.training.early_stopping
        best = BestEpoch(rule) if rule and validation and len(validation[1]) else None
        history: list[EpochFigures] = []
        steps = 0
        while len(history) < self.training.epochs:
            order = batch_order(len(self.labels), self.training.batch_size, rng)
            taken, figures = self.epoch(len(history) + 1, order)
            steps += taken
            if figures is None:
                return self.result(steps, history, stopped=True)
            if best and validation:
                figures = self.validated(figures, validation)
            history.append(figures)
            if best and self.is_over(best, history):
                break
        if best and best.epoch < len(history):
            self.model.assign(best.weights)
            steps = steps // len(history) * best.epoch
        return self.result(steps, history, kept=best.epoch if best else len(history))

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
            first = (epoch - 1) * steps + step
            rates = self.rates[first : first + at_once]
            self.program.steps(self.batches(chosen), rates, batch_size)
            done = min(step + at_once, steps)
            if done - reported >= every or done == steps:
                figures, reported = self.report(epoch, done, steps), done
        return steps, figures

    def batches(self, chosen: np.ndarray) -> Batch:
        channels = self.images.shape[-1]
        labels = self.labels[chosen]
        draws = draw(self.training.augmentation, channels, len(chosen), self.chance)
        return Batch(self.images[chosen], labels, self.weights[labels], draws)

    def validated(self, figures: EpochFigures, validation: Labelled) -> EpochFigures:
        images, labels = validation
        probabilities = predict(self.model, images)
        loss = loss_of(self.training.loss, self.training.focal_gamma)
        # NumPy's own arrays would meet PyTorch's tensors in the midst of a formula.
        losses = loss(*map(keras.ops.convert_to_tensor, (labels, probabilities)))
        losses = keras.ops.convert_to_numpy(losses)
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        return EpochFigures(figures.loss, figures.accuracy, float(losses.mean()), accuracy)

    def is_over(self, best: BestEpoch, history: list[EpochFigures]) -> bool:
        """Whether training has gone on long enough; the best weights are kept aside."""
        latest = history[-1]
        if best.judge(len(history), latest.val_loss or 0.0, latest.val_accuracy or 0.0):
            best.weights = self.model.read()
        return best.is_over

    def result(
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
        )

    @property
    def steps_at_once(self) -> int:
        of_a_picture = self.model.input_dtype.itemsize * math.prod(self.images.shape[1:])
        of_a_batch = self.training.batch_size * of_a_picture
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
