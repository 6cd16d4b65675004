"""The figures of an evaluation that are shown first, picked from the whole report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIGURES = (
    "loss",
    "accuracy",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "f1",
    "sensitivity_at_90",
    "calibration_error",
    "brier",
)
"""By name, in the order in which they are told; in `f1` each class counts once."""

WITH_INTERVAL = ("accuracy", "balanced_accuracy", "auc", "sensitivity_at_90")
"""Figures that have `<name>_low` and `<name>_high` beside them: a 95 % interval."""

COLUMNS = (*FIGURES, *(f"{name}_{end}" for name in WITH_INTERVAL for end in ("low", "high")))


def headline(report: Mapping[str, Any]) -> dict[str, float | None]:
    """One number a name; None for what the report does not tell, or was written before.

    Args:
        report: `models.measures.Report` as JSON.
    """
    point = _point_at_90(report)
    figures = {name: report.get(name) for name in FIGURES}
    figures["f1"] = (report.get("macro") or {}).get("f1")
    figures["sensitivity_at_90"] = point.get("sensitivity")
    intervals = {**(report.get("intervals") or {}), "sensitivity_at_90": point.get("interval")}
    for name in WITH_INTERVAL:
        bounds = intervals.get(name) or {}
        figures |= {f"{name}_{end}": bounds.get(end) for end in ("low", "high")}
    return figures


def _point_at_90(report: Mapping[str, Any]) -> Mapping[str, Any]:
    points: list[Mapping[str, Any]] = report.get("sensitivity_at") or []
    return next((point for point in points if point["specificity"] == 0.9), {})
