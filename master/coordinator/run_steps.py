"""One step of one run: begin, open a round, end."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from federated.plan import ModelChoice, Plan
from federated.states import RunState, TaskState
from federated.strategies import asynchronous
from federated.study import Study
from master.coordinator import replication_step
from master.coordinator.asynchronous import outdated
from master.coordinator.cross_site import measure
from master.coordinator.proposal_step import with_proposals
from master.coordinator.round_opening import field_of, opening, patience
from master.coordinator.round_steps import collect
from master.coordinator.site_selection import reasons
from master.coordinator.step import Step
from master.services import Services
from master.store import (
    evaluations,
    nodes,
    replicas,
    round_tasks,
    rounds,
    runs,
    sketches,
    studies,
    task_ends,
    transitions,
    versions,
)
from master.store.rounds import Opening
from master.store.tables import RunRow
from master.store.versions import Version
from models.catalogue import check_model


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
    if (other := runs.in_the_way(session, run)) is not None:
        run.reason = f"waits for run {other} of this study to end"
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
        return complete(services, session, run, plan, now)
    if plan.trigger.kind == "upload":
        transitions.move_run(session, run, RunState.IDLE, now, "waiting for pictures")
        return Step(moved=True)
    # While this run was paused, another may have moved the study on.
    _take_current(session, run)
    field = field_of(services, session, run, plan, now)
    next_round = opening(session, run, plan, field)
    if next_round.possible:
        return _open(services, session, run, plan, next_round, now)
    run.waiting_since = run.waiting_since or now
    # As long as a round would wait for them: sites that are away for minutes end no run.
    patience_seconds = max(services.settings.site_wait_seconds, plan.deadline_seconds)
    give_up_at = run.waiting_since + patience_seconds
    why = f"{next_round.able} of {next_round.quorum} sites needed can take part"
    why += f" ({reasons(next_round.excluded)})"
    if now >= give_up_at:
        return _fail(session, run, why, now)
    run.reason = f"waiting for sites: {why}"
    return Step(again_at=give_up_at)


def await_pictures(services: Services, session: Session, run: RunRow, now: float) -> Step:
    """Opens a round of a standing run when a site has enough new pictures."""
    plan = Plan.model_validate(run.plan)
    if run.round >= plan.rounds:
        return complete(services, session, run, plan, now)
    field = field_of(services, session, run, plan, now)
    wanted = plan.trigger.min_new_pictures
    ready = any(site.fresh >= wanted for site in field.sites)
    if not ready or runs.in_the_way(session, run) is not None:
        return Step()
    next_round = opening(session, run, plan, field)
    if not next_round.possible:
        return Step()
    # Another run may have moved the study on since this one last trained.
    _take_current(session, run)
    nodes.offer(session, run.study_id, [piece.slot.site.id for piece in next_round.pieces])
    step = _open(services, session, run, plan, next_round, now)
    transitions.move_run(session, run, RunState.RUNNING, now)
    return step


def complete(services: Services, session: Session, run: RunRow, plan: Plan, now: float) -> Step:
    """Ends a run whose rounds are done, once its models are measured, here and at the sites."""
    if asynchronous(plan.strategy) is not None:
        reason = "the run has made its last model"
        task_ends.cancel_training(session, run.id, reason, now)
        task_ends.leave_uncounted(session, run.id, reason, now)
    if replication_step.is_wanted(plan):
        dropped = replicas.drop(session, run.id, run.round + replicas.KEPT_ROUNDS, now)
        terms = patience(services.settings)
        replication_step.settle_dropped(session, dropped, plan, (), now, terms)
    if (step := measure(services, session, run, plan, now)) is not None:
        return step
    if evaluations.are_due(session, run.id):
        run.reason = "evaluating"
        return Step()
    transitions.move_run(session, run, RunState.COMPLETED, now)
    return Step(moved=True)


def _take_current(session: Session, run: RunRow) -> bool:
    """Starts from the study's current weights, if they are of the plan's model.

    A run that is to be compared with others stays with what it has made of fresh weights.
    """
    if not run.publish:
        return False
    study = studies.get(session, run.study_id)
    if study.version_id is None:
        return False
    if study.version_id == run.version_id:
        return True
    version = versions.get(session, study.version_id)
    if not may_begin_from(Plan.model_validate(run.plan), version):
        return False
    if run.version_id is not None:
        # What is frozen stays the same through a run, whatever the study has come to.
        own = versions.get(session, run.version_id)
        if (own.signature, own.frozen) != (version.signature, version.frozen):
            return False
    run.version_id = version.id
    return True


def may_begin_from(plan: Plan, version: Version) -> bool:
    """Whether a run under a plan may go on from a model, instead of from fresh weights.

    What is frozen must be what the plan would begin with: of the same file, or drawn by the
    same seed.
    """
    one, other = plan.model, version.plan.model
    if not same_model(one, other, version.study):
        return False
    if version.frozen is None:
        return one.weights in (None, other.weights)
    drawn_alike = one.weights is not None or plan.seed == version.plan.seed
    return one.weights == other.weights and drawn_alike


def same_model(one: ModelChoice, other: ModelChoice, study: Study) -> bool:
    """Whether two choices mean the same model, trained in the same part, defaults filled in."""
    if (one.name, one.trained, one.config) != (other.name, other.trained, other.config):
        return False
    return check_model(one, study) == check_model(other, study)


def _open(
    services: Services,
    session: Session,
    run: RunRow,
    plan: Plan,
    next_round: Opening,
    now: float,
) -> Step:
    """Opens a round; in an asynchronous run, what it can count no longer ends."""
    pieces = with_proposals(
        session, services.proposed, run.id, plan, run.round + 1, next_round.pieces
    )
    next_round = replace(next_round, pieces=pieces)
    row = rounds.open_next(session, run, plan, next_round, now, patience(services.settings))
    mode = asynchronous(plan.strategy)
    if mode is not None:
        found = round_tasks.of_round(session, run.id, row.number, carried=True)
        for reason, old in outdated(found, row.number, mode).items():
            ids = [task.id for task in old]
            task_ends.end(session, ids, TaskState.EXPIRED, reason, now)
    elif replication_step.is_wanted(plan):
        seed = sketches.seed_of(session, run.id, services.new_id)
        sites = field_of(services, session, run, plan, now).sites
        replication_step.begin(session, row, plan, sites, seed, now, patience(services.settings))
    return Step(moved=True, reached="round-opened")


def _fail(session: Session, run: RunRow, reason: str, now: float) -> Step:
    runs.end(session, run, RunState.FAILED, reason, now)
    return Step(moved=True)
