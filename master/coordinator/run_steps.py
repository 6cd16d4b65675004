"""One step of one run: begin, open a round, collect, end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from federated.plan import ModelChoice, Plan
from federated.states import RoundState, RunState, TaskState
from federated.study import Study
from master.coordinator.assignment import slots_of
from master.coordinator.site_selection import choose, reasons
from master.services import Services
from master.store import (
    evaluations,
    nodes,
    rounds,
    runs,
    studies,
    tasks,
    transitions,
    updates,
    versions,
)
from master.store.tables import RoundRow, RunRow, TaskRow
from master.store.tasks import TaskSummary
from models.catalogue import check_model


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to.

    Attributes:
        moved: Whether something changed, so that another step may be possible at once.
        again_at: When to look again even if nothing happens; None for never.
        build: Whether a fresh initial model is needed first.
        aggregate: The round to be averaged now.
    """

    moved: bool = False
    again_at: float | None = None
    build: bool = False
    aggregate: int | None = None


def advance(services: Services, session: Session, run_id: str, now: float) -> Step:
    """Moves a run one step on, if it can go on."""
    run = runs.get(session, run_id)
    row = rounds.under_way(session, run_id)
    if row is not None:
        return collect(services, session, run, row, now)
    if run.state == RunState.PENDING:
        return begin(session, run, now)
    if run.state == RunState.RUNNING:
        return go_on(services, session, run, now)
    if run.state == RunState.IDLE:
        return await_pictures(services, session, run, now)
    return Step()


def begin(session: Session, run: RunRow, now: float) -> Step:
    """Starts a run, once its study is free and it has a model to start from."""
    if not runs.study_is_free(session, run):
        run.reason = "waits for another run of this study to end"
        return Step()
    if run.version_id is None and not _take_current(session, run):
        study = studies.get(session, run.study_id)
        if study.version_id is None and study.problem:
            return _fail(session, run, f"the study has no model: {study.problem}", now)
        run.reason = "waits for its initial model"
        return Step(build=study.version_id is not None)
    standing = Plan.model_validate(run.plan).trigger.kind == "upload"
    after = RunState.IDLE if standing else RunState.RUNNING
    transitions.move_run(session, run, after, now, "waiting for pictures" if standing else None)
    return Step(moved=True)


def go_on(services: Services, session: Session, run: RunRow, now: float) -> Step:
    """Opens the next round of a running run, or ends the run after the last."""
    plan = Plan.model_validate(run.plan)
    if run.round >= plan.rounds:
        return complete(session, run, now)
    if plan.trigger.kind == "upload":
        transitions.move_run(session, run, RunState.IDLE, now, "waiting for pictures")
        return Step(moved=True)
    sites = nodes.sites(session, run.study_id, now, services.settings.reachable_seconds)
    chosen, excluded = choose(sites, plan)
    needed = plan.needed(len(chosen))
    if len(chosen) >= needed:
        slots = slots_of(plan, None, run.round + 1, chosen)
        wait = services.settings.handover_seconds
        rounds.open_next(session, run, plan, slots, excluded, now, wait)
        return Step(moved=True)
    run.waiting_since = run.waiting_since or now
    give_up_at = run.waiting_since + services.settings.site_wait_seconds
    why = f"{len(chosen)} of {needed} sites needed can take part ({reasons(excluded)})"
    if now >= give_up_at:
        return _fail(session, run, why, now)
    run.reason = f"waiting for sites: {why}"
    return Step(again_at=give_up_at)


def await_pictures(services: Services, session: Session, run: RunRow, now: float) -> Step:
    """Opens a round of a standing run when a site has enough new pictures."""
    plan = Plan.model_validate(run.plan)
    if run.round >= plan.rounds:
        return complete(session, run, now)
    sites = nodes.sites(session, run.study_id, now, services.settings.reachable_seconds)
    chosen, excluded = choose(sites, plan)
    wanted = plan.trigger.min_new_pictures
    ready = [site for site in chosen if site.fresh >= wanted]
    if not ready or len(chosen) < plan.needed(len(chosen)) or not runs.study_is_free(session, run):
        return Step()
    # Another run may have moved the study on since this one last trained.
    _take_current(session, run)
    slots = slots_of(plan, None, run.round + 1, chosen)
    rounds.open_next(session, run, plan, slots, excluded, now, services.settings.handover_seconds)
    nodes.offer(session, run.study_id, [site.id for site in chosen])
    transitions.move_run(session, run, RunState.RUNNING, now)
    return Step(moved=True)


def collect(services: Services, session: Session, run: RunRow, row: RoundRow, now: float) -> Step:
    """Ends what is lost, and the round when nothing more can come."""
    if row.state == RoundState.AGGREGATING:
        return Step(aggregate=row.number)
    summaries = tasks.of_round(session, run.id, row.number)
    lost = [
        summary.id
        for summary in summaries
        if summary.state in tasks.OPEN and summary.lease_until <= now
    ]
    if lost:
        tasks.expire(session, lost, now, services.settings.lease_seconds)
    if now >= row.deadline_at:
        reason = "the round's deadline has passed"
        tasks.end_open(session, run.id, row.number, TaskState.EXPIRED, reason, now)
    if lost or now >= row.deadline_at:
        summaries = tasks.of_round(session, run.id, row.number)
    waiting = [summary for summary in summaries if summary.state in tasks.UNENDED]
    if waiting and now >= row.deadline_at:
        # Past the deadline only audits are to come; each wakes the coordinator.
        end = _audits_end(services, summaries, row)
        if now < end:
            return Step(again_at=end)
        _give_up_audits(services, session, waiting, now)
        return Step(moved=True)
    if waiting:
        return Step(again_at=_next_end(summaries, row))
    if sum(summary.state == TaskState.ACCEPTED for summary in summaries) >= row.quorum:
        tasks.count(session, run.id, row.number)
        transitions.move_round(session, row, RoundState.AGGREGATING, now)
        return Step(aggregate=row.number)
    return fail_round(session, run, row, _shortfall(session, row), now)


def fail_round(session: Session, run: RunRow, row: RoundRow, reason: str, now: float) -> Step:
    """Ends a round without a new model; a standing run waits for other pictures instead."""
    transitions.move_round(session, row, RoundState.FAILED, now, reason)
    standing = Plan.model_validate(run.plan).trigger.kind == "upload"
    if standing:
        if run.state == RunState.RUNNING:
            words = f"waiting for more pictures; round {row.number} failed: {reason}"
            transitions.move_run(session, run, RunState.IDLE, now, words)
        return Step(moved=True)
    return _fail(session, run, f"round {row.number} failed: {reason}", now)


def complete(session: Session, run: RunRow, now: float) -> Step:
    """Ends a run whose rounds are done, once its evaluations are in."""
    if evaluations.are_due(session, run.id):
        run.reason = "evaluating"
        return Step()
    transitions.move_run(session, run, RunState.COMPLETED, now)
    return Step(moved=True)


def _take_current(session: Session, run: RunRow) -> bool:
    """Starts from the study's current weights, if they are of the plan's model."""
    study = studies.get(session, run.study_id)
    if study.version_id is None:
        return False
    version = versions.get(session, study.version_id)
    wanted = Plan.model_validate(run.plan).model
    if not same_model(wanted, version.plan.model, version.study):
        return False
    run.version_id = version.id
    return True


def same_model(one: ModelChoice, other: ModelChoice, study: Study) -> bool:
    """Whether two choices mean the same model, defaults filled in."""
    return one.name == other.name and check_model(one, study) == check_model(other, study)


def _fail(session: Session, run: RunRow, reason: str, now: float) -> Step:
    runs.end(session, run, RunState.FAILED, reason, now)
    return Step(moved=True)


def _audits_end(services: Services, summaries: list[TaskSummary], row: RoundRow) -> float:
    """When audits that have come to no verdict are given up: long after the last that has."""
    verdicts = [summary.changed_at for summary in summaries]
    # A restart has renewed the leases: until then nothing could be audited.
    starts = [summary.lease_until for summary in summaries if summary.state in tasks.UNENDED]
    return max(row.deadline_at, *verdicts, *starts) + services.settings.audit_seconds


def _give_up_audits(
    services: Services, session: Session, submitted: list[TaskSummary], now: float
) -> None:
    """Rejects updates that cannot be audited, so that the round ends all the same."""
    minutes = services.settings.audit_seconds / 60
    reason = f"The update could not be audited: no verdict within {minutes:g} minutes."
    for summary in submitted:
        updates.judge(session, session.get_one(TaskRow, summary.id), False, (reason,), {}, now)


def _next_end(summaries: list[TaskSummary], row: RoundRow) -> float:
    """When a round has to be looked at although nothing happens."""
    leases = [summary.lease_until for summary in summaries if summary.state in tasks.OPEN]
    return min([row.deadline_at, *leases])


def _shortfall(session: Session, row: RoundRow) -> str:
    views = tasks.views(session, row.run_id, row.number)
    accepted = sum(view.state == TaskState.ACCEPTED for view in views)
    ends = [view for view in views if view.state != TaskState.ACCEPTED]
    told = "; ".join(f"{view.node_name}: {view.reason or view.state}" for view in ends)
    return f"{accepted} of at least {row.quorum} updates accepted ({told})"
