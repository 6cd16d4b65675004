"""The last models of a run at its sites: what is measured, by whom, and what they answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federated.site_evaluation import SiteEvaluation
from federated.states import TaskState
from federated.views import CrossSiteModel, ExcludedNode
from master.store import events, transitions
from master.store.nodes import Site
from master.store.round_tasks import Patience
from master.store.tables import CrossSiteRow, RoundRow, SiteEvaluationRow, TaskRow
from master.store.tasks import EVALUATE, begin


def find(session: Session, run_id: str) -> CrossSiteRow | None:
    """The measurement of a run's models; None as long as it has not begun."""
    return session.get(CrossSiteRow, run_id)


def prepare(session: Session, row: RoundRow, now: float, deadline_at: float) -> CrossSiteRow:
    """Begins the measurement of what a round has made; its models are still to be gathered."""
    found = CrossSiteRow(
        run_id=row.run_id,
        round=row.number,
        models=[],
        missing=[],
        began_at=now,
        deadline_at=deadline_at,
    )
    session.add(found)
    session.flush()
    return found


def open_for(
    session: Session,
    row: CrossSiteRow,
    models: Sequence[CrossSiteModel],
    sites: Iterable[Site],
    excluded: Iterable[ExcludedNode],
    now: float,
    patience: Patience,
) -> None:
    """Gives every site a task: the models lie ready.

    Args:
        session: The transaction.
        row: The measurement, prepared.
        models: What is measured; the first is the round's global model.
        sites: Who measures.
        excluded: The other sites, each with its reason.
        now: The time.
        patience: How long a site may take to take its task.
    """
    row.models = [model.model_dump(mode="json") for model in models]
    row.missing = [site.model_dump(mode="json") for site in excluded]
    row.opened_at = now
    base_id = session.get_one(RoundRow, (row.run_id, row.round)).after_id
    for site in sites:
        session.add(
            TaskRow(
                id=f"{row.run_id}-{row.round}-{site.id}-{EVALUATE}",
                kind=EVALUATE,
                run_id=row.run_id,
                round=row.round,
                node_id=site.id,
                slot=f"node/{site.id}",
                base_id=base_id,
                base_round=row.round,
                weights=models[0].weights,
                seed=0,
                announced=site.labelled,
                state=str(TaskState.QUEUED),
                lease_until=now + patience.for_site(site),
                created_at=now,
                changed_at=now,
            )
        )
    session.flush()
    text = f"The sites measure {len(models)} models on their validation pictures"
    events.record(session, now, "cross_site_open", text, run=row.run_id, round=row.round)


def close(session: Session, row: CrossSiteRow, now: float) -> None:
    """Ends a measurement for good, with what there is."""
    row.closed_at = now
    answers = select(SiteEvaluationRow.task_id).join(
        TaskRow, TaskRow.id == SiteEvaluationRow.task_id
    )
    count = len(session.scalars(answers.where(TaskRow.run_id == row.run_id)).all())
    told = "1 site has" if count == 1 else f"{count} sites have"
    text = f"{told} measured the models of all sites"
    events.record(session, now, "cross_site_closed", text, run=row.run_id, round=row.round)


def keep_open(session: Session, now: float, seconds: float) -> None:
    """Gives every open measurement at least so long: while the master was away, nobody could."""
    session.execute(
        update(CrossSiteRow)
        .where(CrossSiteRow.closed_at.is_(None), CrossSiteRow.deadline_at < now + seconds)
        .values(deadline_at=now + seconds)
    )


def answer_of(session: Session, task_id: str) -> SiteEvaluationRow | None:
    """What a site has answered, if it has."""
    return session.get(SiteEvaluationRow, task_id)


def accept(
    session: Session,
    task: TaskRow,
    sha256: str,
    nbytes: int,
    evaluation: SiteEvaluation,
    now: float,
) -> None:
    """Takes a site's answer; there is nobody who would have to judge it."""
    session.add(
        SiteEvaluationRow(
            task_id=task.id,
            sha256=sha256,
            nbytes=nbytes,
            document=evaluation.model_dump(mode="json"),
            received_at=now,
        )
    )
    begin(session, task, now)
    transitions.move_task(session, task, TaskState.SUBMITTED, now)
    transitions.move_task(session, task, TaskState.ACCEPTED, now)


def refuse(session: Session, task: TaskRow, reason: str, now: float) -> None:
    """Ends a task whose answer is wrong: the same bytes will never be right."""
    begin(session, task, now)
    transitions.move_task(session, task, TaskState.SUBMITTED, now)
    transitions.move_task(session, task, TaskState.REJECTED, now, reason)
