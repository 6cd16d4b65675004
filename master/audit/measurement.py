"""What the master has measured of an update on its own pictures, or why it has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIGURES = ("loss", "accuracy", "balanced_accuracy", "auc", "num_examples")
"""Figures of a report that a verdict keeps."""

NO_PICTURES = "No audit pictures: accuracy not measured"


@dataclass(frozen=True, slots=True)
class Measurement:
    """An update's figures on the audit pictures, or why there are none.

    Attributes:
        report: `models.measures.Report` as JSON; None where nothing was measured.
        problem: Why nothing was measured, as a sentence without a full stop.
        broken: Whether it is the model itself that cannot be used.
        died: Whether the evaluation process ended over it, which says nothing yet.
    """

    report: Mapping[str, Any] | None = None
    problem: str = NO_PICTURES
    broken: bool = False
    died: bool = False

    @property
    def figures(self) -> dict[str, float]:
        """The figures that a verdict keeps; empty where nothing was measured."""
        report = self.report or {}
        told = {name: report.get(name) for name in FIGURES}
        return {name: float(value) for name, value in told.items() if value is not None}
