"""An answer in sentences, the same on the page and in a report."""

from __future__ import annotations

import re

from federated.picture_quality import QualityFinding
from federated.uncertainty import Sureness
from federated.views import Prediction
from webapp.checklists.dermoscopy_score import DermoscopyScore
from webapp.checklists.seven_points import SUSPICIOUS, seven_points
from webapp.texts import text, texts
from webapp.words import figure, percent, sureness, whole

_MARKED = re.compile(r"\*\*|\u2060")


def unmarked(sentence: str) -> str:
    """A sentence without Markdown's signs, for where nobody reads those."""
    return _MARKED.sub("", sentence)


def first(prediction: Prediction) -> tuple[str, float]:
    """The most probable class, and how probable it is."""
    return max(prediction.probabilities.items(), key=lambda item: item[1])


def how_sure(prediction: Prediction) -> str:
    """Whether to rely on the answer."""
    known = prediction.sureness
    if known is None or prediction.sure is None:
        return sureness(prediction.uncertainty)
    key = "classify.sure" if prediction.sure else "classify.not_sure"
    return text(key, threshold=percent(known.threshold, 0))


def measured(known: Sureness) -> str:
    """How often sure answers were wrong at this site."""
    return text(
        "classify.measured",
        examples=whole(known.examples),
        sure=whole(known.sure_examples),
        coverage=percent(known.coverage, 0),
        wrong=round(known.error_when_sure * known.sure_examples),
        error=percent(known.error_when_sure, 0),
        limit=percent(known.error_limit, 0),
    )


def removed_words(prediction: Prediction) -> tuple[str, ...]:
    """What was dropped from the file; what a newer child drops shows in the child's word.

    The file's name is always dropped: this page does not send it.
    """
    return (text("removed.file_name"), *(_removed(word) for word in prediction.removed))


def _removed(word: str) -> str:
    key = f"removed.{re.sub(r'[^a-z]+', '_', word.lower())}"
    return text(key) if key in texts() else word


def found(finding: QualityFinding) -> str:
    """One finding about a picture's quality, as a sentence."""
    return text(f"quality.{finding.fault or finding.aspect}", value=whole(round(finding.value)))


def scored(score: DermoscopyScore) -> str:
    """How the ABCD rule's score comes about."""
    return text(
        "checklist.sum",
        axes=score.axes,
        segments=score.segments,
        colours=len(score.colours),
        structures=len(score.structures),
        total=figure(score.total, 1),
    )


def pointed(signs: tuple[str, ...]) -> str:
    """The seven-point checklist's score and what its paper takes it for."""
    points = seven_points(signs)
    key = "checklist.points_suspicious" if points >= SUSPICIOUS else "checklist.points_below"
    return text(key, points=points)
