"""Training on arrays: a fresh optimiser, seeded batches, a compiled step."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np

from federated.errors import InvalidInput
from federated.training import Training
from models.named import NamedModel
from models.pictures import Labelled, Pictures, check_labels, check_pictures
from models.training.augmentation import check_augmentation, draw
from models.training.class_weights import class_weights
from models.training.epochs import Epochs, OnProgress
from models.training.objective import Batch
from models.training.program import Program, training_program
from models.training.recipe import Recipe
from models.training.result import FitResult
from models.training.schedule import WHOLE, Span, learning_rates


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
    correction: Mapping[str, np.ndarray] | None = None,
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
        correction: SCAFFOLD's c − cᵢ of each trainable tensor by its name; see
            `models.training.controlling`.

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
    epochs = Epochs(
        model=model,
        program=program_for(model, training, is_controlled=correction is not None),
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
    corrections = () if correction is None else model.in_training_order(correction)
    epochs.program.begin(training, seed, corrections)
    return epochs.train(np.random.default_rng(seed), validation)


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


def program_for(model: NamedModel, training: Training, *, is_controlled: bool = False) -> Program:
    """The compiled steps for a plan's training; the same for all that need not compile again."""
    recipe = Recipe.of(training, is_controlled=is_controlled)
    make = functools.partial(training_program, recipe=recipe, dtype=model.input_dtype)
    return model.program(f"train/{recipe}", make)
