"""The verdict on an update: a pure function with its reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federated.plan import AuditPolicy
from federated.wire import UpdateDocument

STANDARD_ERRORS = 3.0

FIGURES = ("loss", "accuracy", "balanced_accuracy", "auc", "num_examples")
"""Figures of a report that a verdict keeps."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an update counts, why, and what was measured."""

    accepted: bool
    reasons: tuple[str, ...]
    measured: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measurement:
    """An update's figures on the audit pictures, or why there are none.

    Attributes:
        report: `models.measures.Report` as JSON; None where nothing was measured.
        problem: Why nothing was measured, as a sentence without a full stop.
        broken: Whether it is the model itself that cannot be used.
    """

    report: Mapping[str, Any] | None = None
    problem: str = "No audit pictures: accuracy not measured"
    broken: bool = False


def judge(
    document: UpdateDocument, *, changed: bool, measurement: Measurement, policy: AuditPolicy
) -> Verdict:
    """Judges an update whose signature and figures are known to be right.

    Args:
        document: What the node says about its update.
        changed: Whether any weight differs from those that the task named.
        measurement: What the master found on its own pictures.
        policy: The plan's rules.
    """
    reasons = ["The tensors have the right names, shapes and dtypes, and are finite."]
    if not changed and document.num_steps > 0:
        claim = f"{document.num_steps} training steps are claimed"
        return Verdict(False, (f"No weight has changed, although {claim}.",), {})
    reasons.append(
        "The weights have changed." if changed else "No weight has changed, and no step is claimed."
    )
    if measurement.report is None:
        return Verdict(not measurement.broken, (*reasons, f"{measurement.problem}."), {})
    measured = {name: measurement.report.get(name) for name in FIGURES}
    figures = {name: float(value) for name, value in measured.items() if value is not None}
    accepted, sentence = _compare(document, figures, policy)
    return Verdict(accepted, (*reasons, sentence), figures)


def _compare(
    document: UpdateDocument, measured: Mapping[str, float], policy: AuditPolicy
) -> tuple[bool, str]:
    """Claimed against measured accuracy."""
    found, pictures = measured["accuracy"], int(measured["num_examples"])
    shown = f"{found:.1%} on {pictures} audit pictures"
    claimed = document.metrics.get("val_accuracy")
    if claimed is None:
        return True, f"Accuracy {shown}; the site claims none of its own."
    examples = max(1.0, document.metrics.get("val_examples", 1.0))
    allowed = policy.max_accuracy_gap + STANDARD_ERRORS * standard_error(found, pictures, examples)
    claim = f"{claimed:.1%} on {examples:.0f} of its own"
    if claimed - found <= allowed:
        # Where even a perfect score would pass, the comparison has said nothing.
        verdict = "which fits" if found + allowed < 1 else "too few pictures to contradict that"
        return True, f"Accuracy {shown}; the site claims {claim}: {verdict}."
    gap = f"Accuracy {shown}, but the site claims {claim}: over {allowed:.1%} more"
    if policy.on_gap == "reject":
        return False, f"{gap}."
    return True, f"{gap}. Noted only, as the plan says: its pictures may be easier."


def standard_error(accuracy: float, pictures: float, examples: float) -> float:
    """Standard error of the difference between two measured accuracies.

    Both are taken to have the accuracy that the master measured, smoothed by the rule of
    succession, so that a lucky 100 % on two pictures does not look certain.

    Args:
        accuracy: Measured by the master, 0 to 1.
        pictures: Pictures that it measured on.
        examples: Pictures that the node measured on.
    """
    smoothed = (accuracy * pictures + 1) / (pictures + 2)
    return math.sqrt(smoothed * (1 - smoothed) * (1 / max(pictures, 1) + 1 / examples))
