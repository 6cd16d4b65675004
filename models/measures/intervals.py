"""A report with the intervals that resamples of its examples came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.measures.bootstrap import Resampled, interval
from models.measures.report import ClassReport, Interval, OperatingPoint, Report


def with_intervals(report: Report, again: Resampled, counted: Sequence[int]) -> Report:
    """The report with an interval for each figure that has one, and why for those without.

    Args:
        report: Of the sample itself.
        again: The figures of its resamples.
        counted: Classes whose mean is the AUC of all; empty where there is none.
    """
    told = {name: interval(values) for name, values in again.whole.items()}
    points = report.sensitivity_at
    if counted:
        points = _points(points, again.sensitivities[:, list(counted)].mean(axis=1))
    return report.model_copy(
        update={
            "classes": tuple(_class(entry, again, k) for k, entry in enumerate(report.classes)),
            "intervals": _found(told),
            "missing": report.missing | _not_found(told),
            "sensitivity_at": points,
            "resamples": again.sensitivities.shape[2],
        }
    )


def _class(report: ClassReport, again: Resampled, k: int) -> ClassReport:
    told = {
        name: interval(values[k])
        for name, values in again.classes.items()
        if getattr(report, name) is not None
    }
    return report.model_copy(
        update={
            "intervals": _found(told),
            "missing": report.missing | _not_found(told),
            "sensitivity_at": _points(report.sensitivity_at, again.sensitivities[:, k]),
        }
    )


def _points(
    points: tuple[OperatingPoint, ...], values: npt.NDArray[np.float64]
) -> tuple[OperatingPoint, ...]:
    """The points with the intervals of their resamples, (specificities, resamples)."""
    return tuple(_point(point, values[place]) for place, point in enumerate(points))


def _point(point: OperatingPoint, values: npt.NDArray[np.float64]) -> OperatingPoint:
    found = interval(values)
    return point.model_copy(update={"interval": found if isinstance(found, Interval) else None})


def _found(told: Mapping[str, Interval | str]) -> dict[str, Interval]:
    return {name: found for name, found in told.items() if isinstance(found, Interval)}


def _not_found(told: Mapping[str, Interval | str]) -> dict[str, str]:
    return {f"{name}_interval": why for name, why in told.items() if isinstance(why, str)}
