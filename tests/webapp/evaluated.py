"""Evaluations as the master writes them: of two classes, of seven, and of an earlier version."""

from __future__ import annotations

from typing import Any

NAMES = ("benign", "malignant")


def report() -> dict[str, Any]:
    roc = [(0.0, 0.0), (0.1, 0.55), (0.3, 0.8), (0.6, 0.95), (1.0, 1.0)]
    point = {"specificity": 0.9, "reached": 0.9, "sensitivity": 0.55, "threshold": 0.62}
    points = [
        point | {"interval": {"low": 0.41, "high": 0.72}},
        point | {"specificity": 0.95, "reached": 0.96, "sensitivity": 0.4, "interval": None},
    ]
    classes: list[dict[str, Any]] = [
        {"precision": 0.727, "recall": 0.8, "specificity": 0.7, "f1": 0.762, "support": 30},
        {"precision": 0.778, "recall": 0.7, "specificity": 0.8, "f1": 0.737, "support": 30},
    ]
    ranked = {"auc": 0.81, "average_precision": 0.84}
    intervals = {"auc": {"low": 0.694, "high": 0.913}, "recall": {"low": 0.53, "high": 0.86}}
    curves = {"roc": roc, "precision_recall": [(0.0, 1.0), (0.6, 0.85), (1.0, 0.5)]}
    empty = {"count": 0, "confidence": None, "accuracy": None}
    bins = [{"lower": k / 10, "upper": (k + 1) / 10, **empty} for k in range(8)]
    bins.append(bins[0] | {"lower": 0.8, "upper": 0.9, "count": 40, "confidence": 0.86})
    bins[-1]["accuracy"] = 0.7
    bins.append({"lower": 0.9, "upper": 1.0, "count": 20, "confidence": 0.94, "accuracy": 0.85})
    return {
        "num_examples": 60,
        "loss": 0.46,
        "accuracy": 0.75,
        "balanced_accuracy": 0.75,
        "auc_missing": None,
        "sensitivity_at": points,
        "classes": [
            {
                "name": name,
                "intervals": intervals,
                "sensitivity_at": asked,
                **ranked,
                **curves,
                **entry,
            }
            for name, asked, entry in zip(NAMES, ([], points), classes, strict=True)
        ],
        "confusion": [[24, 6], [9, 21]],
        "calibration_error": 0.137,
        "reliability": bins,
        "brier": 0.18,
        "intervals": {"accuracy": {"low": 0.633, "high": 0.85}, "auc": intervals["auc"]},
        "resamples": 1000,
        **ranked,
    }


def seven_classes() -> dict[str, Any]:
    """A report on a study of seven classes, each with pictures."""
    two = report()
    found = {"akiec": 0.5, "bcc": 0.6, "bkl": 0.9, "df": 0.4, "mel": 0.45, "nv": 0.7, "vasc": 0.6}
    point = two["sensitivity_at"][0]
    mean = point | {"sensitivity": 0.59, "threshold": None, "reached": None}
    return two | {
        "classes": [
            two["classes"][0] | {"name": name, "sensitivity_at": [point | {"sensitivity": share}]}
            for name, share in found.items()
        ],
        "confusion": [[20 if row == column else 2 for column in range(7)] for row in range(7)],
        "sensitivity_at": [mean, mean | {"specificity": 0.95, "sensitivity": 0.5}],
    }


def without_last_class() -> dict[str, Any]:
    """The same, but there is no picture of the last class."""
    seven = seven_classes()
    why = "There is no example of this class."
    nothing = dict.fromkeys(("precision", "recall", "f1", "auc"))
    last = {"name": "vasc", "support": 0, "roc": [], "missing": {"recall": why, "auc": why}}
    missing = "AUC needs examples of every class; there are none of vasc."
    return seven | {
        "classes": [*seven["classes"][:-1], last | nothing],
        "confusion": [*seven["confusion"][:-1], [0] * 7],
        "sensitivity_at": [],
        **{"auc": None, "average_precision": None, "auc_missing": missing},
    }


def earlier_report() -> dict[str, Any]:
    """A report as versions before intervals wrote it."""
    known = ("num_examples", "loss", "accuracy", "balanced_accuracy", "auc", "auc_missing")
    of_class = ("name", "support", "precision", "recall", "f1", "auc", "roc")
    whole = report()
    return {name: whole[name] for name in (*known, "confusion")} | {
        "classes": [{name: entry[name] for name in of_class} for entry in whole["classes"]]
    }
