"""Trials of a search, and how far each lies above the middle of its round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from federated.search import Hyperparameters, TrialState


@dataclass(frozen=True, slots=True)
class Trial:
    """One task of a search.

    Attributes:
        round: The round that it was made for.
        parameters: What it is trained with.
        state: How far it is.
        score: Accuracy of its update on the audit pictures; None unless it is complete.
        start: Accuracy of the round's first model on the same pictures; None if it is not known.
    """

    round: int
    parameters: Hyperparameters
    state: TrialState = TrialState.RUNNING
    score: float | None = None
    start: float | None = None


def leads(trials: Sequence[Trial]) -> list[float | None]:
    """How far each trial's score lies above the median of its own round.

    The rounds begin from different weights: in a later one, poor settings may come to more than
    good ones did in the first. Within a round all began alike. Beside itself a score would
    always be in the middle: one that is alone in its round is compared with the round's first
    model, or else with the best score of the rounds before.

    Returns:
        In the order of the trials; None for those without a score.
    """
    scores: defaultdict[int, list[float]] = defaultdict(list)
    for trial in trials:
        if trial.score is not None:
            scores[trial.round].append(trial.score)
    starts = {one.round: one.start for one in trials if one.score is not None}
    middles: dict[int, float] = {}
    best: float | None = None
    for number, found in sorted(scores.items()):
        before = best if starts[number] is None else starts[number]
        middles[number] = before if len(found) == 1 and before is not None else median(found)
        best = max(found) if best is None else max(best, *found)
    return [None if one.score is None else one.score - middles[one.round] for one in trials]
