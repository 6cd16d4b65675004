"""The measurement of a run's last models at its sites, as people see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import NotFound
from federated.plan import Plan
from federated.site_evaluation import SiteEvaluation
from federated.states import RunState, TaskState, is_final
from federated.views import CrossSiteModel, CrossSiteView, ExcludedNode
from federated.views import CrossSiteRow as Row
from master.store import cross_sites
from master.store.tables import CrossSiteRow, NodeRow, RunRow, SiteEvaluationRow, TaskRow
from master.store.tasks import EVALUATE

WORDLESS = {
    TaskState.QUEUED: "has not taken its task yet",
    TaskState.LEASED: "is measuring",
    TaskState.TRAINING: "is measuring",
}
"""Why a row is empty, where the task itself does not say."""


def view(session: Session, run: RunRow) -> CrossSiteView:
    """The matrix as far as it is.

    Raises:
        NotFound: The run's plan does not ask for one.
    """
    if not Plan.model_validate(run.plan).cross_site:
        raise NotFound(
            "This run measures nothing across sites",
            expected="a run whose plan has cross_site",
            received=run.id,
            code="no_cross_site",
        )
    row = cross_sites.find(session, run.id)
    is_ended = is_final(RunState(run.state))
    if row is None:
        return CrossSiteView(run=run.id, state="closed" if is_ended else "waiting")
    models = [CrossSiteModel.model_validate(model) for model in row.models]
    found = [*_rows(session, run.id, models), *_missing(row)]
    return CrossSiteView(
        run=run.id,
        state="closed" if is_ended else _state(row),
        round=row.round,
        deadline_at=row.deadline_at,
        models=models,
        sites=sorted(found, key=lambda site: site.node_name),
    )


def _state(row: CrossSiteRow) -> Literal["preparing", "open", "closed"]:
    if row.closed_at is not None:
        return "closed"
    return "preparing" if row.opened_at is None else "open"


def _rows(session: Session, run_id: str, models: list[CrossSiteModel]) -> Iterator[Row]:
    """A row for each site that has a task."""
    query = (
        select(TaskRow, NodeRow.name, SiteEvaluationRow.document)
        .join(NodeRow, NodeRow.id == TaskRow.node_id)
        .outerjoin(SiteEvaluationRow, SiteEvaluationRow.task_id == TaskRow.id)
        .where(TaskRow.run_id == run_id, TaskRow.kind == EVALUATE)
    )
    for task, name, document in session.execute(query):
        answer = SiteEvaluation.model_validate(document) if document else None
        state = TaskState(task.state)
        yield Row(
            node=task.node_id,
            node_name=name,
            state=state,
            reason=None if answer else task.reason or WORDLESS.get(state),
            num_examples=answer.num_examples if answer else None,
            figures=[answer.figures.get(model.weights or "") for model in models] if answer else [],
        )


def _missing(row: CrossSiteRow) -> Iterator[Row]:
    for document in row.missing:
        site = ExcludedNode.model_validate(document)
        yield Row(node=site.node, node_name=site.node_name, reason=site.reason)
