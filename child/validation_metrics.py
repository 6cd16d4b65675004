"""What a site tells of its model on its own validation part: a few figures, never a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from child.told_figures import told
from models.measures import evaluate_probabilities

SPECIFICITY = 0.90
"""At which a site tells how much its model finds."""


def validation_figures(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str], least: int
) -> dict[str, float]:
    """The figures of an update's metrics, rounded; those that cannot be told are left out.

    Averages are over the classes that the site has here, each once: few sites have them all.
    With two classes, AUC and sensitivity are of the second, and a site without either of them
    has neither.

    Args:
        probabilities: (n, classes), n at least 1.
        labels: True class indices, integers (n,).
        classes: The class names, in order.
        least: Pictures without which nothing is told but their number: figures of fewer would
            tell of single ones.

    Raises:
        InvalidInput: The model computes values that are no probabilities.
    """
    report = evaluate_probabilities(labels, probabilities, classes, specificities=(SPECIFICITY,))
    entries = report.classes if len(classes) > 2 else report.classes[1:]
    found = [point.sensitivity for entry in entries for point in entry.sensitivity_at]
    figures = {
        "val_loss": report.loss,
        "val_accuracy": report.accuracy,
        "val_balanced_accuracy": report.balanced_accuracy,
        "val_f1": report.macro.f1,
        "val_auc": _mean([entry.auc for entry in entries if entry.auc is not None]),
        "val_sensitivity_at_90": _mean(found),
    }
    count = report.num_examples
    known = figures.items() if count >= least else ()
    rounded = {name: told(figure, count) for name, figure in known if figure is not None}
    return rounded | {"val_examples": float(count)}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
