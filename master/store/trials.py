"""Trials of a search: the tasks of its run, with what came of them. Nothing else is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.plan import Plan
from federated.search import Hyperparameters, TrialState
from federated.states import TaskState, is_final
from federated.views import SearchView, TrialView
from master.search.trials import Trial, leads
from master.store.tables import AuditRow, EvaluationRow, NodeRow, RunRow, StartRow, TaskRow
from master.store.tasks import TRAIN


def of_run(session: Session, run_id: str) -> list[Trial]:
    """The trials of a run, in an order that hangs on rounds and names alone."""
    rows = session.execute(_query(run_id))
    return [_trial(task, measured, start) for task, _, measured, start in rows]


def view(session: Session, run: RunRow) -> SearchView:
    """The search of a run, as people see it.

    Raises:
        NotFound: Its plan does not search.
    """
    plan = Plan.model_validate(run.plan)
    if plan.search is None:
        raise NotFound("The plan of this run does not search", code="no_search")
    rows = list(session.execute(_query(run.id)))
    trials = [_trial(task, measured, start) for task, _, measured, start in rows]
    views = [
        TrialView(
            number=number,
            task=task.id,
            round=task.round,
            node=task.node_id,
            node_name=name,
            parameters=trial.parameters.told,
            state=trial.state,
            score=trial.score,
            lead=lead,
            reason=task.reason if trial.state == TrialState.FAILED else None,
        )
        for number, ((task, name, *_), trial, lead) in enumerate(
            zip(rows, trials, leads(trials), strict=True), 1
        )
    ]
    return SearchView(run=run.id, search=plan.search, trials=views)


def _query(run_id: str) -> Select[TaskRow, str, dict[str, Any] | None, float | None]:
    # As `audits.start_figures`, for all of them at once.
    start = func.coalesce(
        StartRow.figures["accuracy"].as_float(), EvaluationRow.report["accuracy"].as_float()
    )
    evaluated = (EvaluationRow.version_id == TaskRow.base_id) & (EvaluationRow.part == "audit")
    return (
        select(TaskRow, NodeRow.name, AuditRow.measured, start)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .outerjoin(AuditRow, AuditRow.task_id == TaskRow.id)
        .outerjoin(StartRow, StartRow.version_id == TaskRow.base_id)
        .outerjoin(EvaluationRow, evaluated)
        .where(TaskRow.run_id == run_id, TaskRow.kind == TRAIN)
        .where(TaskRow.hyperparameters.is_not(None))
        .order_by(TaskRow.round, TaskRow.created_at, NodeRow.name, TaskRow.slot, TaskRow.attempt)
    )


def _trial(task: TaskRow, measured: Mapping[str, Any] | None, start: float | None) -> Trial:
    parameters = Hyperparameters.model_validate(task.hyperparameters)
    state = TaskState(task.state)
    score = (measured or {}).get("accuracy")
    if state == TaskState.ACCEPTED and score is not None:
        return Trial(task.round, parameters, TrialState.COMPLETE, float(score), start)
    over = is_final(state)
    return Trial(task.round, parameters, TrialState.FAILED if over else TrialState.RUNNING)
