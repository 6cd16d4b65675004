"""What an update makes of the model on the audit pictures, against where the round began.

The area under the ROC curve is compared, where there is one: a site that has pictures of one
class only makes its model name that class too often, which costs accuracy, and hardly disturbs
the order in which it puts the pictures. Wrong labels do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.robust import medians_of_others, spreads_of_others

Figures = Mapping[str, float]

FLOOR = 0.01
"""The others' figures are taken to vary by this much at least."""

CHANCE = 2.0
"""Standard errors that a drop has to be larger by, where there are too few others to tell."""


def check_contributions(
    found: Sequence[Figures],
    start: Figures,
    policy: AuditPolicy,
    harmless: Collection[int] = (),
) -> list[Finding | None]:
    """One finding for each update of a round; None for one that was not measured.

    Args:
        found: Figures of each update on the audit pictures; empty for what was not measured.
        start: Those of the model that the round started from; may be empty.
        policy: `odd_drop`, `most_drop`, `drop_deviations` and `compare_from`.
        harmless: Places of those that are known to do their own site's classes no harm: a network
            that has seen one class only, and learns from scratch, forgets all others.
    """
    name = _figure_of([*found, start])
    measured = [row for row, figures in enumerate(found) if name in figures]
    scores = np.array([found[row][name] for row in measured])
    enough = len(measured) >= policy.compare_from
    others = medians_of_others(scores[:, None])[:, 0] if enough else None
    spreads = spreads_of_others(scores) if enough else None
    findings: list[Finding | None] = [None] * len(found)
    for place, row in enumerate(measured):
        findings[row] = _finding(
            name,
            float(scores[place]),
            start.get(name),
            None if others is None else float(others[place]),
            0.0 if spreads is None else float(spreads[place]),
            found[row].get("num_examples", math.inf),
            policy,
            is_harmless=row in harmless,
        )
    return findings


def _figure_of(all_figures: Sequence[Figures]) -> str:
    told = [figures for figures in all_figures if figures]
    return "auc" if told and all("auc" in figures for figures in told) else "accuracy"


def _finding(
    name: str,
    score: float,
    start: float | None,
    others: float | None,
    spread: float,
    pictures: float,
    policy: AuditPolicy,
    *,
    is_harmless: bool,
) -> Finding:
    word = "AUC" if name == "auc" else "accuracy"
    shown = f"On the audit pictures its {word} is {score:.3f}"
    if start is None:
        return Finding(f"{shown}; the round's first model was not measured.", Weight.UNCHECKED)
    shown = f"{shown}; the round's first model has {start:.3f}"
    drop, far = start - score, True
    # Where no others show what is usual, a handful of audit pictures is to reject nobody.
    most = policy.most_drop + CHANCE * _standard_error(score, pictures)
    if others is not None:
        shown = f"{shown} and the median of the others {others:.3f}"
        most = policy.most_drop
        drop = min(drop, others - score)
        far = others - score > policy.drop_deviations * max(spread, FLOOR)
    if far and drop > most and is_harmless:
        why = "it makes the model much worse, but not at its own site's classes"
        return Finding(f"{shown}: {why}.", Weight.ODD)
    if far and drop > most:
        return Finding(f"{shown}: it makes the model much worse.", Weight.WRONG)
    if far and drop > policy.odd_drop:
        return Finding(f"{shown}: it makes the model worse.", Weight.ODD)
    return Finding(f"{shown}.")


def _standard_error(score: float, pictures: float) -> float:
    """At most that of an AUC (or accuracy) on so many pictures, in two classes of one size.

    D. van Dantzig, "On the consistency and the power of Wilcoxon's two sample test", Proc. Kon.
    Ned. Akad. v. Wetenschappen A 54, 1951: the variance is no more than a(1 - a) / min(m, n).
    """
    return math.sqrt(max(0.0, score * (1 - score)) / max(1.0, pictures / 2))
