"""How far a model can be relied on: bounded in time, measured once, never in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from child.worker_messages import Examples
from federated.plan import ModelChoice
from imaging.array_file import PixelArray
from tests.child.conftest import STUDY

pytestmark = pytest.mark.usefixtures("keras_runtime")
SHA, OTHER = "a1" * 32, "b2" * 32


class Ticking:
    """A clock that moves by so many seconds at each look, and counts the looks."""

    def __init__(self, step: float = 0.0) -> None:
        self.time, self.step, self.looks = 0.0, step, 0

    def __call__(self) -> float:
        self.looks += 1
        self.time += self.step
        return self.time


@pytest.fixture(scope="module")
def model(keras_runtime: None) -> Any:
    from models.named import build_model

    return build_model(STUDY, ModelChoice(settings={"width": 4, "units": 4}), 0)


@pytest.fixture
def array(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (150, *STUDY.picture_shape), np.uint8)
    PixelArray(tmp_path / "pixels.u8", STUDY.picture_shape).append(pixels)
    return tmp_path / "pixels.u8"


def some(count: int) -> Examples:
    return Examples(rows=tuple(range(count)), labels=tuple(i % 2 for i in range(count)))


def test_a_model_is_measured_once_until_its_pictures_change(model: Any, array: Path) -> None:
    from child.reliability import Reliabilities

    clock = Ticking()
    known = Reliabilities(clock)
    first = known.of(model, SHA, STUDY, array, some(60))
    looks = clock.looks
    assert first.calibration.examples == 60
    assert known.of(model, SHA, STUDY, array, some(60)) is first
    assert clock.looks == looks
    assert known.of(model, SHA, STUDY, array, some(61)).calibration.examples == 61
    assert known.of(model, OTHER, STUDY, array, some(60)) is not first


class Slow:
    """A clock that moves only while pictures go through a model, by so many seconds for each."""

    def __init__(self, *seconds: float) -> None:
        self.time, self.seconds, self.lots = 0.0, seconds, list[int]()

    def __call__(self) -> float:
        return self.time

    def predict(self, model: Any, pictures: np.ndarray) -> np.ndarray:
        done = sum(self.lots)
        for number in range(done, done + len(pictures)):
            self.time += self.seconds[min(number, len(self.seconds) - 1)]
        self.lots.append(len(pictures))
        return np.full((len(pictures), model.num_classes), 0.5, np.float32)


@pytest.mark.parametrize(
    ("seconds", "lots", "whole"),
    [
        # Of 3 s that are left, three would fit: two, and one.
        ((1.0,), [1, 2, 1], 4.0),
        ((1.5,), [1, 1], 3.0),
        ((0.25,), [1, 8, 4, 2, 1], 4.0),
        # The first one always goes, for nobody can know before.
        ((9.0,), [1], 9.0),
        # What is slow only at first does not count for ever.
        ((1.5, 0.125), [1, 1, 8, 8, 2, 1], 4.0),
    ],
)
def test_no_more_pictures_are_begun_than_the_time_is_enough_for(
    model: Any,
    array: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: tuple[float, ...],
    lots: list[int],
    whole: float,
) -> None:
    from child.reliability import LONGEST_SECONDS, Reliabilities

    assert LONGEST_SECONDS == 4
    slow = Slow(*seconds)
    monkeypatch.setattr("child.reliability.predict", slow.predict)
    Reliabilities(slow).of(model, SHA, STUDY, array, some(150))
    assert (slow.lots, slow.time) == (lots, whole)


def test_what_was_measured_in_time_counts(
    model: Any, array: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from child.reliability import Reliabilities

    slow = Slow(0.1)
    monkeypatch.setattr("child.reliability.predict", slow.predict)
    measured = Reliabilities(slow).of(model, SHA, STUDY, array, some(150))
    assert measured.calibration.missing is None
    assert 36 <= measured.calibration.examples == sum(slow.lots) <= 40


def test_pictures_that_cannot_be_read_leave_the_answer_alone(model: Any, tmp_path: Path) -> None:
    from child.reliability import Reliabilities

    found = Reliabilities(Ticking()).of(model, SHA, STUDY, tmp_path / "gone.u8", some(60))
    assert (found.calibration.temperature, found.sureness) == (1.0, None)
    assert found.missing is not None
    assert "could not be read" in found.missing


def test_a_reliable_model_gets_a_threshold() -> None:
    from child.reliability import reliability

    labels = np.arange(80) % 2
    own = np.where(np.arange(80) < 60, 0.95, 0.35)
    probabilities = np.stack([np.where(labels == k, own, 1 - own) for k in (0, 1)], axis=1)
    found = reliability(probabilities, labels)
    assert found.missing is None
    assert found.sureness is not None
    # 60 of 80 are answered with 0.95 and right; the other twenty with 0.65, and
    # wrong. Half of them all chose the threshold.
    assert (found.sureness.examples, found.sureness.error_when_sure) == (40, 0)
    assert 20 <= found.sureness.sure_examples < 40


def test_where_none_is_found_the_reason_is_told() -> None:
    from child.reliability import reliability

    labels = np.arange(100) % 2
    share = np.where(np.arange(100) % 5 == 0, 0.1, 0.9)
    probabilities = np.stack([np.where(labels == k, share, 1 - share) for k in (0, 1)], axis=1)
    found = reliability(probabilities, labels)
    assert (found.sureness, found.calibration.missing) == (None, None)
    assert found.missing is not None
    assert "right often enough" in found.missing
