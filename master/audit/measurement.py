"""What the master has measured of an update on its own pictures, or why it has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from master.audit.mirror import Errors

FIGURES = ("loss", "accuracy", "balanced_accuracy", "auc", "num_examples")
"""Figures of a report that a verdict keeps."""

NO_PICTURES = "No audit pictures: accuracy not measured"


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """An update's figures on the audit pictures, or why there are none.

    Attributes:
        report: `models.measures.Report` as JSON; None where nothing was measured.
        problem: Why nothing was measured, as a sentence without a full stop.
        broken: Whether it is the model itself that cannot be used.
        died: Whether the evaluation process ended over it, which says nothing yet.
        scores: Quadratic score of each picture's probabilities, float (n,), 0 to 2; None where
            nothing was measured.
        hits: Whether it is right about each, bool (n,).
        errors: The first beside those of the round's first model, where that was measured too.
    """

    report: Mapping[str, Any] | None = None
    problem: str = NO_PICTURES
    broken: bool = False
    died: bool = False
    scores: np.ndarray | None = None
    hits: np.ndarray | None = None
    errors: Errors | None = None

    @property
    def lacks_pictures(self) -> bool:
        """Whether nothing was measured because the master has no audit pictures."""
        return self.report is None and self.problem == NO_PICTURES

    @property
    def figures(self) -> dict[str, float]:
        """The figures that a verdict keeps; empty where nothing was measured."""
        report = self.report or {}
        told = {name: report.get(name) for name in FIGURES}
        return {name: float(value) for name, value in told.items() if value is not None}
