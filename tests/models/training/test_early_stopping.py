"""When training ends, and which epoch counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from federated.training import EarlyStopping, Training
from models.training.early_stopping import BestEpoch
from tests.models.tiny import tiny_model, tiny_pictures


def judged(rule: EarlyStopping, figures: list[tuple[float, float]]) -> tuple[int, int]:
    """The best epoch, and the epoch after which training is over; 0 if it never is."""
    best = BestEpoch(rule)
    for epoch, (loss, accuracy) in enumerate(figures, start=1):
        best.judge(epoch, loss, accuracy)
        if best.is_over:
            return best.epoch, epoch
    return best.epoch, 0


def test_it_waits_as_long_as_its_patience() -> None:
    figures = [(0.9, 0.5), (0.7, 0.6), (0.8, 0.9), (0.75, 0.6), (0.6, 0.5)]
    assert judged(EarlyStopping(patience=2), figures) == (2, 4)
    assert judged(EarlyStopping(patience=3), figures) == (5, 0)
    assert judged(EarlyStopping(patience=1, monitor="val_accuracy"), figures) == (3, 4)


def test_a_gain_must_be_large_enough() -> None:
    figures = [(0.9, 0.0), (0.85, 0.0), (0.7, 0.0), (0.65, 0.0)]
    assert judged(EarlyStopping(patience=5, min_delta=0.1), figures) == (3, 0)


def test_an_epoch_without_a_finite_figure_is_no_gain() -> None:
    assert judged(EarlyStopping(patience=1), [(math.nan, 0), (0.5, 0), (math.nan, 0)]) == (2, 3)
    assert judged(EarlyStopping(patience=1), [(math.inf, 0), (math.nan, 0)]) == (1, 2)


def test_the_best_weights_are_restored_with_their_statistics(keras_runtime: None) -> None:
    from models.fit import fit
    from models.predict import predict

    images, labels = tiny_pictures(24)
    # Judged by labels that are all wrong: the better it learns, the worse it is judged.
    wrong = (labels + 1) % 3
    settings = {"learning_rate": 0.05, "batch_size": 8}
    rule = EarlyStopping(patience=3)
    model = tiny_model(norm=True)
    training = Training(epochs=20, early_stopping=rule, **settings)
    result = fit(model, images, labels, training, seed=1, validation=(images, wrong))

    judged_at = [figures.val_loss for figures in result.history]
    assert result.kept_epoch == int(np.argmin(judged_at)) + 1
    assert result.epochs == len(judged_at) == result.kept_epoch + 3 < 20
    assert result.stopped_early
    assert not result.stopped
    assert result.num_steps == 3 * result.kept_epoch

    likelihoods = predict(model, images)[np.arange(24), wrong]
    assert -np.log(likelihoods).mean() == pytest.approx(min(judged_at), rel=1e-5)
    again = tiny_model(norm=True)
    fit(again, images, labels, Training(epochs=result.kept_epoch, **settings), seed=1)
    for name, array in again.read().items():
        np.testing.assert_array_equal(model.read()[name], array, err_msg=name)


def test_without_a_validation_part_all_epochs_are_trained(keras_runtime: None) -> None:
    from models.fit import fit

    images, labels = tiny_pictures(6)
    training = Training(epochs=4, early_stopping=EarlyStopping(patience=1))
    nothing = (images[:0], labels[:0])
    result = fit(tiny_model(), images, labels, training, seed=1, validation=nothing)
    assert (result.epochs, result.kept_epoch, result.stopped_early) == (4, 4, False)
    assert result.history[0].val_loss is None
