"""One step of a round under way: what is lost, what is handed out again, and its end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from federated.plan import Plan
from federated.states import RoundState, RunState, TaskState
from federated.strategies import Asynchronous, asynchronous
from master.audit import Verdict
from master.coordinator.assignment import Slot, substitute
from master.coordinator.asynchronous import idle_sites
from master.coordinator.comparison_step import judge_together
from master.coordinator.proposal_step import with_proposals
from master.coordinator.reissue import Again, alive, replacements, second_chances
from master.coordinator.replication_step import settle_dropped
from master.coordinator.round_end import (
    Answers,
    AwaitVerdicts,
    Close,
    Extend,
    Terms,
    Wait,
    verdict_on,
)
from master.coordinator.round_opening import field_of, patience, pieces_for
from master.coordinator.step import Step
from master.services import Services
from master.store import (
    replicas,
    round_tasks,
    rounds,
    runs,
    task_ends,
    task_views,
    tasks,
    transitions,
    updates,
)
from master.store.nodes import Site
from master.store.round_tasks import Piece, TaskSummary
from master.store.tables import RoundRow, RunRow, TaskRow

MOST_TOLD = 8
"""Sites whose fate the reason of a failed round tells one by one."""


@dataclass(frozen=True, slots=True)
class Round:
    """An open round, with what it is looked at by.

    Attributes:
        mode: How its run is asynchronous; None where it is not.
        now: The time.
    """

    services: Services
    session: Session
    run: RunRow
    row: RoundRow
    plan: Plan
    mode: Asynchronous | None
    now: float

    @property
    def paused(self) -> bool:
        """Whether it counts what comes and does nothing else."""
        return self.mode is not None and self.run.state == RunState.PAUSED

    def tasks(self) -> list[TaskSummary]:
        """Its tasks; in an asynchronous run also the earlier ones that it may count."""
        carried = self.mode is not None
        return round_tasks.of_round(self.session, self.run.id, self.row.number, carried=carried)


def collect(services: Services, session: Session, run: RunRow, row: RoundRow, now: float) -> Step:
    """Puts back what is lost, hands it out again, and ends the round when it is time."""
    if row.state == RoundState.AGGREGATING:
        return Step(aggregate=row.number)
    plan = Plan.model_validate(run.plan)
    this = Round(services, session, run, row, plan, asynchronous(plan.strategy), now)
    if plan.audit.replicated > 0:
        _drop_replicas(this)
    found = this.tasks()
    if _lapse(this, found):
        found = this.tasks()
    if _hand_out(this, found):
        found = this.tasks()
    answers = answers_of(found)
    terms = Terms(row.quorum, row.target, row.deadline_at, row.extended, this.paused)
    match verdict_on(answers, terms, now):
        case Wait():
            return Step(again_at=_next_end(this, found))
        case AwaitVerdicts():
            return _await_verdicts(this, found)
        case Close():
            return _close(this, found)
        case Extend():
            return _extend(this, found)
    return fail_round(session, run, row, _shortfall(this), now)


def answers_of(found: list[TaskSummary]) -> Answers:
    """How far the work of a round is."""
    return Answers(
        accepted=sum(map(is_accepted, found)),
        submitted=sum(task.state == TaskState.SUBMITTED for task in found),
        coming=sum(task.coming for task in found),
        lost=sum(task.lost and task.state in tasks.OPEN for task in found),
    )


def is_accepted(task: TaskSummary) -> bool:
    """Whether the update of a task counts, now or in a later round."""
    return task.state == TaskState.ACCEPTED


def fail_round(session: Session, run: RunRow, row: RoundRow, reason: str, now: float) -> Step:
    """Ends a round without a new model; a standing run waits for other pictures instead."""
    transitions.move_round(session, row, RoundState.FAILED, now, reason)
    standing = Plan.model_validate(run.plan).trigger.kind == "upload"
    if not standing:
        runs.end(session, run, RunState.FAILED, f"round {row.number} failed: {reason}", now)
        return Step(moved=True)
    task_ends.cancel_of_run(session, run.id, f"the round failed: {reason}", now)
    if run.state == RunState.RUNNING:
        words = f"waiting for more pictures; round {row.number} failed: {reason}"
        transitions.move_run(session, run, RunState.IDLE, now, words)
    return Step(moved=True)


def _drop_replicas(this: Round) -> None:
    """Calls off what nobody waits for, and asks others where an opinion is still wanted."""
    dropped = replicas.drop(this.session, this.run.id, this.row.number, this.now)
    if not dropped:
        return
    kept = this.row.number - replicas.KEPT_ROUNDS
    terms = patience(this.services.settings)
    for is_kept, sites in ((False, ()), (True, _sites(this))):
        rows = [row for row in dropped if (row.round > kept) is is_kept]
        settle_dropped(this.session, rows, this.plan, sites, this.now, terms)


def _lapse(this: Round, found: list[TaskSummary]) -> bool:
    """Puts back the tasks whose lease has run out; whether there were any."""
    silent = [task.id for task in found if task.coming and task.lease_until <= this.now]
    if silent:
        silence = this.services.settings.lease_seconds
        task_ends.lapse(this.session, silent, this.now, silence)
    return bool(silent)


def _hand_out(this: Round, found: list[TaskSummary]) -> bool:
    """Gives work to sites that have none, where the round lacks it; whether any was given."""
    number, target = this.row.number, this.row.target
    # Sites that would only begin what is about to be done with need not begin.
    enough = alive(found) if this.mode is None else sum(map(is_accepted, found))
    if this.paused or this.now >= this.row.deadline_at or enough >= target:
        return False
    sites = _sites(this)
    if this.mode is None:
        pieces = _pieces(this, replacements(found, sites, this.plan, number, target))
    else:
        idle = idle_sites(found, sites, this.plan, number)
        pieces = pieces_for(this.session, this.run, this.plan, number, idle, found)
    return _give(this, pieces)


def _extend(this: Round, found: list[TaskSummary]) -> Step:
    rounds.extend(this.session, this.row, _shortfall(this), this.now, this.plan.deadline_seconds)
    number, sites = this.row.number, _sites(this)
    if this.mode is None:
        pieces = _pieces(this, second_chances(found, sites, this.plan, number))
    else:
        idle = idle_sites(found, sites, this.plan, number, again=True)
        pieces = pieces_for(this.session, this.run, this.plan, number, idle, found)
    _give(this, pieces)
    return Step(moved=True)


def _sites(this: Round) -> tuple[Site, ...]:
    return field_of(this.services, this.session, this.run, this.plan, this.now).sites


def _pieces(this: Round, chosen: tuple[Again, ...]) -> tuple[Piece, ...]:
    """The work that is handed out again, as it was, or its substitute."""
    return tuple(Piece(_slot(this, again), again.attempt) for again in chosen)


def _slot(this: Round, again: Again) -> Slot:
    row = this.session.get_one(TaskRow, again.task)
    before = Slot(
        row.slot,
        again.site,
        row.seed,
        row.announced,
        tasks.batch_of(row),
        tasks.hyperparameters_of(row),
    )
    found = substitute(before, [again.site], this.plan, this.row.number)
    return before if found is None else found


def _give(this: Round, pieces: tuple[Piece, ...]) -> bool:
    if pieces:
        pieces = with_proposals(
            this.session,
            this.services.proposed,
            this.run.id,
            this.plan,
            this.row.number,
            pieces,
        )
        terms = patience(this.services.settings)
        rounds.hand_out(this.session, this.row, pieces, this.now, terms)
    return bool(pieces)


def _close(this: Round, found: list[TaskSummary]) -> Step:
    """Begins to aggregate; what is not counted by then is late, or carried on.

    Where the updates show of one another that some must not count, the round is looked at anew.
    """
    session, row, now = this.session, this.row, this.now
    accepted = [task.id for task in found if is_accepted(task)]
    if this.mode is not None:
        accepted = updates.first_accepted(session, accepted, row.target)
    if judge_together(session, row, this.plan, accepted, now):
        return Step(moved=True)
    if this.mode is None:
        open_still = [task.id for task in found if task.state in tasks.UNENDED]
        reason = "the round has closed without it"
        task_ends.end(session, open_still, TaskState.EXPIRED, reason, now)
    round_tasks.count(session, accepted, row.number)
    transitions.move_round(session, row, RoundState.AGGREGATING, now)
    return Step(aggregate=row.number, reached="round-aggregating")


def _await_verdicts(this: Round, found: list[TaskSummary]) -> Step:
    """Past the deadline audits decide; each wakes the coordinator.

    Whoever is still at work goes on: should a verdict leave the quorum missed, the extension
    finds the work where it is.
    """
    submitted = [task for task in found if task.state == TaskState.SUBMITTED]
    end = _audits_end(this, found, submitted)
    if this.now < end:
        return Step(again_at=end)
    _give_up_audits(this, submitted)
    return Step(moved=True)


def _audits_end(this: Round, found: list[TaskSummary], submitted: list[TaskSummary]) -> float:
    """When audits that have come to no verdict are given up: long after the last that has."""
    verdicts = [task.changed_at for task in found if task.state not in tasks.OPEN]
    # A restart has renewed the leases: until then nothing could be audited.
    starts = [task.lease_until for task in submitted]
    return max(this.row.deadline_at, *verdicts, *starts) + this.services.settings.audit_seconds


def _give_up_audits(this: Round, submitted: list[TaskSummary]) -> None:
    """Rejects updates that cannot be audited, so that the round ends all the same."""
    minutes = this.services.settings.audit_seconds / 60
    reason = f"The update could not be audited: no verdict within {minutes:g} minutes."
    for summary in submitted:
        row = this.session.get_one(TaskRow, summary.id)
        verdict = Verdict(False, (reason,), {}, telling=False)
        updates.judge(this.session, row, verdict, this.now)


def _next_end(this: Round, found: list[TaskSummary]) -> float | None:
    """When a round has to be looked at although nothing happens."""
    ends = [task.lease_until for task in found if task.coming]
    if not this.paused:
        ends.append(this.row.deadline_at)
    return min(ends, default=None)


def _shortfall(this: Round) -> str:
    """How many updates there are, and for each site without one what became of its last task."""
    views = task_views.of_round(this.session, this.run.id, this.row.number)
    accepted = [view.node for view in views if view.state == TaskState.ACCEPTED]
    last = {view.node: view for view in views if view.node not in accepted}
    told = [f"{view.node_name}: {view.reason or view.state}" for view in last.values()]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [f"{len(told) - MOST_TOLD} more"]
    words = f" ({'; '.join(told)})" if told else ""
    return f"{len(accepted)} of at least {this.row.quorum} updates accepted{words}"
