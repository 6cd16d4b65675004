"""Runs: made, listed and steered."""

from __future__ import annotations

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from federated.errors import Conflict, NotFound
from federated.plan import Plan
from federated.states import RoundState, RunState, is_final
from federated.strategies import asynchronous
from federated.views import RunView
from master.store import (
    cross_sites,
    evaluations,
    events,
    rounds,
    task_ends,
    task_views,
    transitions,
)
from master.store.tables import RoundRow, RunRow, StudyRow, VersionRow

ALIVE = tuple(state for state in RunState if not is_final(state))


def create(session: Session, run_id: str, study_id: str, plan: Plan, now: float) -> RunRow:
    """A new run, waiting for the coordinator."""
    row = RunRow(
        id=run_id,
        study_id=study_id,
        plan=plan.model_dump(mode="json"),
        plan_sha256=plan.sha256,
        publish=plan.publish,
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


def in_the_way(session: Session, run: RunRow) -> str | None:
    """Another run that moves the study's model on: two would pull it to and fro.

    A paused run is at work as long as a round of it is under way. A run that leaves the
    study's model as it is has nothing in its way, and is in nobody's.
    """
    if not run.publish:
        return None
    in_round = select(RoundRow.run_id).where(RoundRow.state.in_(rounds.UNDER_WAY))
    paused = (RunRow.state == RunState.PAUSED) & RunRow.id.in_(in_round)
    query = (
        select(RunRow.id)
        .where(RunRow.study_id == run.study_id, RunRow.id != run.id, RunRow.publish)
        .where(or_(RunRow.state == RunState.RUNNING, paused))
        .order_by(RunRow.created_at, RunRow.id)
    )
    return session.scalar(query.limit(1))


def pause(session: Session, run_id: str, now: float) -> None:
    """Lets the round under way end, and opens no other.

    An asynchronous run goes on counting what its nodes already work on, and hands nothing out.

    Raises:
        Conflict: The run is not at work.
    """
    run = get(session, run_id)
    transitions.move_run(session, run, RunState.PAUSED, now, "paused by the operator")
    if asynchronous(Plan.model_validate(run.plan).strategy) is not None:
        task_ends.cancel_untaken(session, run_id, "the run is paused", now)


def resume(session: Session, run_id: str, now: float) -> None:
    """Lets a paused run go on.

    Raises:
        Conflict: The run is not paused, or another run of the study is at work.
    """
    run = get(session, run_id)
    plan = Plan.model_validate(run.plan)
    if run.state != RunState.PAUSED:
        raise Conflict("Only a paused run can be resumed", received=run.state, code="wrong_state")
    row = rounds.under_way(session, run_id)
    standing = plan.trigger.kind == "upload"
    after = RunState.IDLE if standing and row is None else RunState.RUNNING
    if after == RunState.RUNNING and (other := in_the_way(session, run)) is not None:
        raise Conflict(
            "Another run of this study is at work",
            expected=f"that run {other} ends, or is stopped, first",
            code="study_busy",
        )
    if row is not None and asynchronous(plan.strategy) is not None:
        # Nobody was given anything to do meanwhile.
        row.deadline_at = max(row.deadline_at, now + plan.deadline_seconds)
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
    """Ends a run, and with it the round under way, its tasks and its measurement."""
    task_ends.cancel_of_run(session, run.id, reason, now)
    task_ends.leave_uncounted(session, run.id, reason, now)
    row = rounds.under_way(session, run.id)
    if row is not None:
        transitions.move_round(session, row, RoundState.FAILED, now, reason)
    measurement = cross_sites.find(session, run.id)
    if measurement is not None and measurement.closed_at is None:
        # As long as it is open, the weights of single sites are kept for it.
        cross_sites.close(session, measurement, now)
    transitions.move_run(session, run, state, now, reason)


def wait_anew(session: Session, now: float) -> None:
    """Lets runs that wait for sites wait their whole time: while the master was away, none came."""
    session.execute(
        update(RunRow).where(RunRow.waiting_since.is_not(None)).values(waiting_since=now)
    )


def views(session: Session) -> list[RunView]:
    """All runs, newest first."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id)
    return [view(session, row) for row in session.scalars(query)]


def view(session: Session, row: RunRow) -> RunView:
    """A run as people see it."""
    closed = rounds.last(session, row.id, closed=True)
    version = _version(session, row)
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
        weights=version.weights if version else "",
        frozen=version.frozen if version else None,
        tasks=task_views.of_round(session, row.id, row.round),
        evaluation=evaluations.headline(session, closed.after_id if closed else None),
    )


def _version(session: Session, row: RunRow) -> VersionRow | None:
    """The run's latest model; that of the study as long as it has none of its own."""
    version_id = row.version_id or session.get_one(StudyRow, row.study_id).version_id
    return session.get(VersionRow, version_id) if version_id else None
