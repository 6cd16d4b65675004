"""The course of a run from the tables: a few queries, however many rounds and sites there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from federated.states import RoundState, TaskState
from federated.views import LEFT_OUT, CourseRound, CourseSite, CourseView
from master.store import runs
from master.store.tables import (
    EvaluationRow,
    NodeRow,
    RoundRow,
    RunRow,
    TaskRow,
    UpdateRow,
    VersionRow,
)
from master.store.tasks import TRAIN, UNENDED

Row = TypeVar("Row")

MOST_ROUNDS = 300
"""Rounds that are told: more than a line on a screen can show."""

FIGURES: Mapping[str, tuple[str | int, ...]] = {
    "loss": ("loss",),
    "accuracy": ("accuracy",),
    "balanced_accuracy": ("balanced_accuracy",),
    "auc": ("auc",),
    "f1": ("macro", "f1"),
    # The first operating point of a report is the one at a specificity of 90 %.
    "sensitivity_at_90": ("sensitivity_at", 0, "sensitivity"),
}
"""Where a report has the figures of the test part that are followed over the rounds."""

OF_SITES = (
    *("val_auc", "val_balanced_accuracy", "val_f1"),
    *("val_sensitivity_at_90", "val_accuracy", "val_loss"),
)
"""What sites measured that is followed over the rounds; a round tells all that they said."""

DIGITS = 5
"""Of a figure of a site behind its point: more than any chart shows."""


@dataclass(slots=True)
class _Cell:
    """What is known of one site in one round."""

    state: str | None = None
    staleness: int | None = None
    base_round: int | None = None
    share: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)


def course(session: Session, run_id: str) -> CourseView:
    """How a run went, round by round and site by site.

    Raises:
        NotFound: There is no such run.
    """
    run = runs.get(session, run_id)
    rows = list(session.execute(_rounds(run_id)))
    kept = thinned(rows, MOST_ROUNDS)
    places = {row.number: place for place, row in enumerate(kept)}
    cells, names = _cells(session, run, places)
    _leave_out(kept, cells, names)
    return CourseView(
        run=run_id,
        total=len(rows),
        rounds=[_round(row) for row in kept],
        sites=[
            _site(node, names[node], cells[node]) for node in sorted(names, key=names.__getitem__)
        ],
    )


def thinned(rows: Sequence[Row], most: int) -> list[Row]:
    """At most `most` rows, evenly spread, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(place * step)] for place in range(most)]


def _rounds(run_id: str) -> Any:
    # A whole report has all its curves; the database takes out the few figures.
    figures = [EvaluationRow.report[path].as_float() for path in FIGURES.values()]
    return (
        select(
            RoundRow.number,
            RoundRow.state,
            RoundRow.opened_at,
            RoundRow.closed_at,
            RoundRow.excluded,
            VersionRow.weights,
            *(figure.label(name) for name, figure in zip(FIGURES, figures, strict=True)),
        )
        .outerjoin(VersionRow, VersionRow.id == RoundRow.after_id)
        .outerjoin(
            EvaluationRow,
            and_(EvaluationRow.version_id == RoundRow.after_id, EvaluationRow.part == "test"),
        )
        .where(RoundRow.run_id == run_id)
        .order_by(RoundRow.number)
    )


def _round(row: Any) -> CourseRound:
    figures = {name: getattr(row, name) for name in FIGURES}
    return CourseRound(
        number=row.number,
        state=RoundState(row.state),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        weights_after=row.weights,
        evaluation={name: value for name, value in figures.items() if value is not None},
    )


def _cells(
    session: Session, run: RunRow, places: Mapping[int, int]
) -> tuple[defaultdict[str, list[_Cell]], dict[str, str]]:
    """A cell for each site and round, and the names of the sites."""
    query = (
        select(
            TaskRow.round,
            TaskRow.counted_in,
            TaskRow.base_round,
            TaskRow.state,
            TaskRow.node_id,
            NodeRow.name,
            UpdateRow.late,
            UpdateRow.share,
            UpdateRow.document["metrics"].label("metrics"),
        )
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .outerjoin(UpdateRow, UpdateRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == run.id, TaskRow.kind == TRAIN)
        .order_by(TaskRow.changed_at, TaskRow.id)
    )
    # Not `setdefault`: that would make a whole row of cells for every task.
    cells: defaultdict[str, list[_Cell]] = defaultdict(lambda: [_Cell() for _ in places])
    names: dict[str, str] = {}
    for row in session.execute(query):
        names[row.node_id] = row.name
        own = cells[row.node_id]
        place = places.get(row.counted_in or _still_at(row, run))
        if place is not None:
            own[place] = _later(own[place], row)
    return cells, names


def _still_at(row: Any, run: RunRow) -> int:
    """The round of a task that none has counted: while it is under way, the newest."""
    number: int = run.round if row.state in UNENDED else row.round
    return number


def _later(before: _Cell, row: Any) -> _Cell:
    """The cell after one more task of the site: what counted stays, else the newest is told."""
    state = TaskState.LATE if row.late else row.state
    if before.state == TaskState.ACCEPTED and state != TaskState.ACCEPTED:
        return before
    return _Cell(
        state=str(state),
        staleness=None if row.counted_in is None else row.counted_in - 1 - row.base_round,
        base_round=row.base_round,
        share=row.share,
        metrics=row.metrics or {},
    )


def _leave_out(
    kept: Sequence[Any], cells: defaultdict[str, list[_Cell]], names: dict[str, str]
) -> None:
    """Notes in the cells where a round did without a site."""
    for place, row in enumerate(kept):
        for left in row.excluded:
            names.setdefault(left["node"], left["node_name"])
            own = cells[left["node"]]
            if own[place].state is None:
                own[place].state = LEFT_OUT


def _site(node: str, name: str, cells: Sequence[_Cell]) -> CourseSite:
    told = [name for name in OF_SITES if any(name in cell.metrics for cell in cells)]
    return CourseSite(
        node=node,
        node_name=name,
        states=[cell.state for cell in cells],
        staleness=[cell.staleness for cell in cells],
        base_rounds=[cell.base_round for cell in cells],
        shares=[cell.share for cell in cells],
        metrics={figure: [_short(cell.metrics.get(figure)) for cell in cells] for figure in told},
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
