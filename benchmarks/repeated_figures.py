"""An evaluation process that is asked a few times, and then repeats itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from federated.plan import Plan
from federated.study import Study
from master.evaluation import Answered, BuiltModel, EvaluatedModel, Evaluator
from master.store.pictures import LabelledRows

ASKED = 6
"""Times that each kind of question is asked before its answers come round again."""


class RepeatedFigures:
    """Reports as the product makes them, a few of them again and again.

    For a past that is to be looked at: its form and its size are real, its figures come round.

    Args:
        real: What is asked at first.
    """

    def __init__(self, real: Evaluator) -> None:
        self._real = real
        self._known: dict[tuple[object, ...], deque[Any]] = {}

    def initial_model(self, study: Study, plan: Plan, out: Path, frozen_out: Path) -> BuiltModel:
        """See `Evaluator`."""
        return self._real.initial_model(study, plan, out, frozen_out)

    def report(
        self,
        model: EvaluatedModel,
        pixels: Path,
        examples: LabelledRows,
        *,
        intervals: bool = False,
    ) -> dict[str, Any]:
        """See `Evaluator`."""
        kind = ("report", intervals, tuple(examples.rows))
        report: dict[str, Any] = self._again(
            kind, lambda: self._real.report(model, pixels, examples, intervals=intervals)
        )
        return report

    def answered(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[Answered | None]:
        """See `Evaluator`."""
        kind = ("answered", len(models), any(model.mirrored for model in models))
        found: list[Answered | None] = self._again(
            kind, lambda: self._real.answered(models, pixels, examples)
        )
        return found

    def accuracies(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[float | None]:
        """See `Evaluator`."""
        return self._real.accuracies(models, pixels, examples)

    def answers(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows
    ) -> list[int] | None:
        """See `Evaluator`."""
        return self._real.answers(model, pixels, examples)

    def export(self, model: EvaluatedModel, out: Path) -> None:
        """See `Evaluator`."""
        self._real.export(model, out)

    def _again(self, kind: tuple[object, ...], ask: Callable[[], object]) -> Any:
        known = self._known.setdefault(kind, deque())
        if len(known) < ASKED:
            known.append(ask())
        else:
            known.rotate(-1)
        return known[-1]
