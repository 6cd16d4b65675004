"""How far a model can be relied on here: measured once for each model. Imports Keras."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from child.worker_messages import Examples
from federated.errors import FederationError
from federated.study import Study
from federated.uncertainty import Calibration, Sureness
from imaging.array_file import PixelArray
from models.calibration import calibrate, calibrated, sureness, why_no_sureness
from models.named import NamedModel
from models.predict import predict

LONGEST_SECONDS = 4.0
"""A clinician waits for this, once for each new model; what was measured by then counts."""

AT_ONCE = 8
"""The most pictures between two looks at the clock; the first goes alone, and tells how many."""

KEPT = 8


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was measured of one model on one validation part.

    Attributes:
        missing: Why there is no `sureness`, as a sentence.
    """

    calibration: Calibration
    sureness: Sureness | None
    missing: str | None


class Reliabilities:
    """The latest measurements; each is made when a model is first used, or its pictures change.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], Reliability] = OrderedDict()

    def of(
        self, model: NamedModel, sha256: str, study: Study, array: Path, pictures: Examples
    ) -> Reliability:
        """What is known of `model`, whose weights have the hash `sha256`, on these pictures."""
        key = sha256, hashlib.sha256(repr((study, pictures)).encode()).hexdigest()
        if key not in self._kept:
            self._kept[key] = self._measure(model, PixelArray(array, study.picture_shape), pictures)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _measure(self, model: NamedModel, array: PixelArray, pictures: Examples) -> Reliability:
        try:
            probabilities = self._probabilities(model, array, pictures.rows)
        except FederationError as error:
            return _unknown(f"The site's validation pictures could not be read. {error.detail}")
        labels = np.asarray(pictures.labels[: len(probabilities)], np.int64)
        return reliability(probabilities, labels)

    def _probabilities(
        self, model: NamedModel, array: PixelArray, rows: tuple[int, ...]
    ) -> np.ndarray:
        """Of as many pictures as the time allows; their order is as good as random."""
        pixels = array.open(max(rows) + 1) if rows else array.open(0)
        done = [np.empty((0, model.num_classes), np.float32)]
        began = self._clock()
        end, start, count = began + LONGEST_SECONDS, 0, 1
        while start < len(rows) and count:
            chosen = np.asarray(rows[start : start + count])
            done.append(predict(model, pixels[chosen]))
            start, now = start + len(chosen), self._clock()
            count = fitting(end - now, (now - began) / len(chosen))
            began = now
        return np.concatenate(done)


def fitting(seconds: float, each: float) -> int:
    """How many pictures go through the model next: 0, 1, 2, 4 or 8.

    Few sizes, for a backend may compile each anew.

    Args:
        seconds: What is left of the time; may be below 0.
        each: Seconds that a picture took last.
    """
    if seconds <= 0:
        return 0
    fit = AT_ONCE if each <= 0 else min(AT_ONCE, int(seconds / each))
    return 1 << (fit.bit_length() - 1) if fit else 0


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> Reliability:
    """The calibration of `probabilities` (n, classes), and from where on an answer is sure."""
    calibration = calibrate(probabilities, labels)
    if calibration.missing is not None:
        return Reliability(calibration, None, calibration.missing)
    shares = calibrated(probabilities, calibration.temperature)
    found = sureness(shares, labels)
    missing = None if found else why_no_sureness(shares, labels)
    return Reliability(calibration, found, missing)


def _unknown(reason: str) -> Reliability:
    return Reliability(Calibration(missing=reason), None, reason)
