"""Runs: made, listed and steered."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.errors import Conflict, NotFound
from federated.plan import Plan
from federated.states import RoundState, RunState, TaskState, is_final
from federated.views import RunView
from master.store import evaluations, events, rounds, tasks, transitions
from master.store.tables import RunRow, StudyRow, VersionRow

ALIVE = tuple(state for state in RunState if not is_final(state))


def create(session: Session, run_id: str, study_id: str, plan: Plan, now: float) -> RunRow:
    """A new run, waiting for the coordinator."""
    row = RunRow(
        id=run_id,
        study_id=study_id,
        plan=plan.model_dump(mode="json"),
        plan_sha256=plan.sha256,
        state=str(RunState.PENDING),
        round=0,
        created_at=now,
    )
    session.add(row)
    session.flush()
    events.record(session, now, "run_created", "The run was made", run=run_id, study=study_id)
    return row


def get(session: Session, run_id: str) -> RunRow:
    """The run's row.

    Raises:
        NotFound: There is none.
    """
    row = session.get(RunRow, run_id)
    if row is None:
        raise NotFound("There is no such run", received=run_id[:64])
    return row


def alive(session: Session) -> list[str]:
    """Runs that are not over, oldest first."""
    query = select(RunRow.id).where(RunRow.state.in_(ALIVE))
    return list(session.scalars(query.order_by(RunRow.created_at, RunRow.id)))


def study_is_free(session: Session, run: RunRow) -> bool:
    """Whether no other run of the study is at work: two would pull its model to and fro."""
    query = select(RunRow.id).where(
        RunRow.study_id == run.study_id, RunRow.id != run.id, RunRow.state == RunState.RUNNING
    )
    return session.scalar(query.limit(1)) is None


def pause(session: Session, run_id: str, now: float) -> None:
    """Lets the round under way end, and opens no other.

    Raises:
        Conflict: The run is not at work.
    """
    transitions.move_run(
        session, get(session, run_id), RunState.PAUSED, now, "paused by the operator"
    )


def resume(session: Session, run_id: str, now: float) -> None:
    """Lets a paused run go on.

    Raises:
        Conflict: The run is not paused, or another run of the study is at work.
    """
    run = get(session, run_id)
    if run.state != RunState.PAUSED:
        raise Conflict("Only a paused run can be resumed", received=run.state, code="wrong_state")
    in_round = rounds.under_way(session, run_id) is not None
    standing = Plan.model_validate(run.plan).trigger.kind == "upload"
    after = RunState.IDLE if standing and not in_round else RunState.RUNNING
    if after == RunState.RUNNING and not study_is_free(session, run):
        raise Conflict(
            "Another run of this study is at work",
            expected="that it ends, or is stopped, first",
            code="study_busy",
        )
    transitions.move_run(session, run, after, now)


def stop(
    session: Session, run_id: str, now: float, reason: str = "stopped by the operator"
) -> None:
    """Ends a run for good: the round under way is given up, its tasks are cancelled.

    Raises:
        Conflict: The run is over already.
    """
    run = get(session, run_id)
    end(session, run, RunState.STOPPED, reason, now)


def end(session: Session, run: RunRow, state: RunState, reason: str, now: float) -> None:
    """Ends a run, and with it the round under way and its tasks."""
    row = rounds.under_way(session, run.id)
    if row is not None:
        tasks.end_open(session, run.id, row.number, TaskState.CANCELLED, reason, now)
        transitions.move_round(session, row, RoundState.FAILED, now, reason)
    transitions.move_run(session, run, state, now, reason)


def views(session: Session) -> list[RunView]:
    """All runs, newest first."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id)
    return [view(session, row) for row in session.scalars(query)]


def view(session: Session, row: RunRow) -> RunView:
    """A run as people see it."""
    closed = rounds.last(session, row.id, closed=True)
    return RunView(
        id=row.id,
        study=row.study_id,
        plan=Plan.model_validate(row.plan),
        plan_sha256=row.plan_sha256,
        state=RunState(row.state),
        reason=row.reason,
        round=row.round,
        created_at=row.created_at,
        finished_at=row.finished_at,
        weights=_weights(session, row),
        tasks=tasks.views(session, row.id, row.round),
        evaluation=evaluations.headline(session, closed.after_id if closed else None),
    )


def _weights(session: Session, row: RunRow) -> str:
    """The run's latest weights; those of the study as long as it has none of its own."""
    study = session.get_one(StudyRow, row.study_id)
    version_id = row.version_id or study.version_id
    version = session.get(VersionRow, version_id) if version_id else None
    return version.weights if version else ""
