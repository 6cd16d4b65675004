"""The runs of a study beside one another, from the tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federated.errors import InvalidInput, NotFound
from federated.plan import Plan
from federated.states import RoundState, RunState
from federated.views import ComparedRound, ComparedRun, Comparison
from master.comparison import best_of, differing, flattened
from master.store import evaluations, studies
from master.store.tables import EvaluationRow, RoundRow, RunRow, TaskRow, UpdateRow

MOST_RUNS = 20
MEASURES = ("loss", "accuracy", "balanced_accuracy", "auc")
COLUMNS = (*MEASURES, "seconds", "bytes_per_round")


def compare(session: Session, study_id: str, wanted: Sequence[str] | None) -> Comparison:
    """The runs that are named, or the newest of the study, newest first.

    Raises:
        NotFound: There is no such study, or it has no such run.
        InvalidInput: Too many are named.
    """
    studies.get(session, study_id)
    rows = _runs(session, study_id, wanted)
    plans = [Plan.model_validate(row.plan) for row in rows]
    settings = [flattened(plan) for plan in plans]
    paths = differing(settings)
    courses = [_course(session, row.id, "test") for row in rows]
    audits = [_last(_course(session, row.id, "audit")) for row in rows]
    costs = [
        _costs(session, row.id, len(course)) for row, course in zip(rows, courses, strict=True)
    ]
    # The test pictures choose nothing: they are to say how good the chosen model is.
    judged = [audit | cost for audit, cost in zip(audits, costs, strict=True)]
    best = best_of(judged, [row.state == RunState.COMPLETED for row in rows])
    return Comparison(
        study=study_id,
        settings=paths,
        columns=list(COLUMNS),
        audited=evaluations.has_pictures(session, study_id, "audit"),
        runs=[
            ComparedRun(
                id=row.id,
                created_at=row.created_at,
                state=RunState(row.state),
                model=plan.model.name,
                publish=plan.publish,
                rounds=len(course),
                planned=plan.rounds,
                differs={path: own.get(path) for path in paths},
                figures=_last(course) | cost,
                audit=audit,
                best=top,
                course=course,
            )
            for row, plan, own, course, audit, cost, top in zip(
                rows, plans, settings, courses, audits, costs, best, strict=True
            )
        ],
    )


def _runs(session: Session, study_id: str, wanted: Sequence[str] | None) -> list[RunRow]:
    query = select(RunRow).where(RunRow.study_id == study_id)
    query = query.order_by(RunRow.created_at.desc(), RunRow.id)
    if wanted is None:
        return list(session.scalars(query.limit(MOST_RUNS)))
    names = list(dict.fromkeys(wanted))
    if len(names) > MOST_RUNS:
        raise InvalidInput(
            "Too many runs are to be compared", expected=f"at most {MOST_RUNS}", received=len(names)
        )
    found = list(session.scalars(query.where(RunRow.id.in_(names))))
    missing = [name for name in names if name not in {row.id for row in found}]
    if missing:
        raise NotFound("This study has no such run", received=missing[0][:64])
    return found


def _course(session: Session, run_id: str, part: str) -> list[ComparedRound]:
    """The figures of each closed round's model on a part of the master's pictures."""
    # A whole report has all its curves; the database takes out the few figures.
    columns = [EvaluationRow.report[name].as_float() for name in MEASURES]
    query = (
        select(RoundRow.number, *columns)
        .outerjoin(
            EvaluationRow,
            (EvaluationRow.version_id == RoundRow.after_id) & (EvaluationRow.part == part),
        )
        .where(RoundRow.run_id == run_id, RoundRow.state == RoundState.CLOSED)
        .order_by(RoundRow.number)
    )
    return [
        ComparedRound(round=number, figures=dict(zip(MEASURES, figures, strict=True)))
        for number, *figures in session.execute(query)
    ]


def _last(course: Sequence[ComparedRound]) -> dict[str, float | None]:
    return course[-1].figures if course else dict.fromkeys(MEASURES)


def _costs(session: Session, run_id: str, rounds: int) -> dict[str, float | None]:
    times = select(func.min(RoundRow.opened_at), func.max(RoundRow.closed_at))
    began, ended = session.execute(times.where(RoundRow.run_id == run_id)).one()
    sent = (
        select(func.sum(UpdateRow.nbytes))
        .join(TaskRow, TaskRow.id == UpdateRow.task_id)
        .where(TaskRow.run_id == run_id)
    )
    total = session.scalar(sent)
    return {
        "seconds": ended - began if ended is not None else None,
        "bytes_per_round": float(total) / rounds if total and rounds else None,
    }
