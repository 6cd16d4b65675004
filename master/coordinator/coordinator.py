"""The coordinator's thread, and one step of it."""

from __future__ import annotations

import logging
import threading
from functools import partial

from sqlalchemy.orm import Session

from federated.states import TaskState
from master.coordinator import audit_jobs, credit_jobs, evaluation_jobs, handover
from master.coordinator.aggregation import close_round
from master.coordinator.cross_site_models import gather
from master.coordinator.proposal_step import NotProposed, work_out
from master.coordinator.run_steps import advance
from master.coordinator.step import Step
from master.services import Services
from master.store import (
    cross_sites,
    deliveries,
    evaluations,
    lease,
    nodes,
    round_credits,
    round_tasks,
    rounds,
    runs,
    statistics,
    studies,
    task_ends,
)
from master.store.round_tasks import Waiting
from master.weight_statistics import statistics_of
from master.work_queues import Job, Submit

log = logging.getLogger(__name__)

LEASE = "coordinator"
LEASE_SECONDS = 15.0
REST_SECONDS = 5.0
"""Pause after an unexpected error, so that a full disk does not make a busy loop."""

EVALUATOR_QUEUE = "evaluator"
BACKGROUND_QUEUE = "background"

AUDIT = "audit"
"""The part of the master's pictures that updates are measured on."""


class Coordinator:
    """Moves runs and rounds from state to state; one of them at a time, by a lease.

    Args:
        services: The parts of the master.
        holder: Who holds the lease; the same for every start on one state folder, so that
            a restart need not wait for the lease of the process that was killed.
        submit: Takes work for the children's queues.
        submit_evaluation: Takes work for the evaluation process.
    """

    def __init__(
        self, services: Services, holder: str, submit: Submit, submit_evaluation: Submit
    ) -> None:
        self._services = services
        self._holder = holder
        self._submit = submit
        self._submit_evaluation = submit_evaluation
        self._lease_until = 0.0
        self._dropped_until = services.now()
        self._resting: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """What a new start of the server does once, before the first step."""
        services = self._services
        services.state.remove_drafts()
        with services.database.write() as session:
            now = services.now()
            task_ends.extend_leases(session, now, services.settings.lease_seconds)
            rounds.keep_open(session, now, services.settings.lease_seconds)
            cross_sites.keep_open(session, now, services.settings.lease_seconds)
            runs.wait_anew(session, now)
            nodes.presume_present(session, now, services.settings.reachable_seconds)
            studies.forget_problems(session)

    def start(self) -> None:
        """Steps in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._run, name="coordinator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and gives the lease back."""
        self._stopping.set()
        self._services.wakeup.notify()
        if self._thread is not None:
            self._thread.join(10)
        with self._services.database.write() as session:
            lease.release(session, LEASE, self._holder)

    def step(self) -> float:
        """Does everything that can be done now; returns when to look again at the latest."""
        services = self._services
        now = services.now()
        if not self._holds_lease(now):
            # Whoever holds it cannot tell the nodes that wait here.
            services.polls.stir()
            return now + LEASE_SECONDS / 3
        with services.database.read() as session:
            alive = runs.alive(session)
        times = [self._advance(run_id) for run_id in alive]
        return min(*times, self._hand_out(now), now + LEASE_SECONDS / 3)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                again_at = self.step()
            except Exception:
                log.exception("The coordinator's step failed")
                again_at = self._services.now() + REST_SECONDS
            self._services.wakeup.wait(max(0.0, again_at - self._services.now()))

    def _holds_lease(self, now: float) -> bool:
        if now < self._lease_until - LEASE_SECONDS / 2:
            return True
        with self._services.database.write() as session:
            held = lease.hold(session, LEASE, self._holder, now, LEASE_SECONDS)
        self._lease_until = now + LEASE_SECONDS if held else 0.0
        return held

    def _advance(self, run_id: str) -> float:
        """Moves a run on as far as it goes; returns when to look at it again."""
        services = self._services
        rests_until = self._resting.get(run_id, 0.0)
        if rests_until > services.now():
            return rests_until
        step = Step(moved=True)
        try:
            while step.moved:
                step = self._stepped(run_id)
                if step.reached is not None:
                    services.failpoint(step.reached)
                if step.aggregate is not None:
                    close_round(services, run_id, step.aggregate)
                    step = Step(moved=True)
        except Exception as error:
            return self._rest(run_id, error)
        if step.build:
            self._job(
                EVALUATOR_QUEUE,
                f"build/{run_id}",
                partial(evaluation_jobs.build_for_run, services, run_id),
            )
        if step.gather:
            self._job(BACKGROUND_QUEUE, f"gather/{run_id}", partial(gather, services, run_id))
        return float("inf") if step.again_at is None else step.again_at

    def _stepped(self, run_id: str) -> Step:
        """Takes one step of a run; a search's proposals are worked out while others can write."""
        services = self._services
        try:
            with services.database.write() as session:
                step = advance(services, session, run_id, services.now())
        except NotProposed as missing:
            work_out(services.proposed, missing)
            return Step(moved=True)
        if step.moved:
            services.proposed.forget(run_id)
        return step

    def _rest(self, run_id: str, error: Exception) -> float:
        """One run's trouble, a full disk say, is tried again later and holds up no other."""
        log.error("Run %s cannot go on for now", run_id, exc_info=error)
        until = self._services.now() + REST_SECONDS
        self._resting[run_id] = until
        return until

    def _hand_out(self, now: float) -> float:
        """Hands out all work that is due; what is under way already is not handed out twice."""
        services = self._services
        heard_since = now - services.settings.reachable_seconds
        with services.database.read() as session:
            waiting = round_tasks.waiting(session, self._dropped_until, heard_since)
            models, again_at = deliveries.due(session, now, services.settings.reachable_seconds)
            unknown = statistics.missing(session)
            self._hand_out_judging(session, waiting)
        for task in waiting:
            self._tell(task)
        for due in models:
            key = f"model/{due.node}/{due.study}/{due.version}"
            self._job(due.node, key, partial(handover.send_model, services, due), priority=1)
        for weights, signature in unknown:
            job: Job = partial(statistics_of, services, weights, signature)
            self._job(BACKGROUND_QUEUE, f"statistics/{weights}", job)
        self._dropped_until = now
        resting = [until for until in self._resting.values() if until > now]
        return min([*resting, float("inf") if again_at is None else again_at], default=float("inf"))

    def _tell(self, task: Waiting) -> None:
        """Tells a node of its task, or that it is over."""
        services = self._services
        if task.state == TaskState.QUEUED and not task.called:
            services.polls.notify(task.node)
        elif task.state == TaskState.QUEUED:
            job: Job = partial(handover.hand_over, services, task.id)
            self._job(task.node, f"task/{task.id}", job)
        elif task.state != TaskState.SUBMITTED:
            job = partial(handover.drop, services, task.node, task.id)
            self._job(task.node, f"drop/{task.id}", job, priority=2)

    def _hand_out_judging(self, session: Session, waiting: list[Waiting]) -> None:
        services = self._services
        submitted = [task for task in waiting if task.state == TaskState.SUBMITTED]
        # Without pictures an audit is a comparison of numbers: it need not queue.
        studies_at_work = {task.study for task in submitted}
        heavy = {name for name in studies_at_work if evaluations.has_pictures(session, name, AUDIT)}
        for task in submitted:
            together = audit_jobs.MOST_TOGETHER if task.study in heavy else 1
            job = partial(audit_jobs.audit, services, task.id, together)
            self._job(EVALUATOR_QUEUE if task.study in heavy else task.id, f"audit/{task.id}", job)
        for study in studies.without_model(session):
            job = partial(evaluation_jobs.build_for_study, services, study)
            self._job(EVALUATOR_QUEUE, f"build/{study}", job)
        for number, version, part in evaluations.due(session):
            job = partial(evaluation_jobs.evaluate, services, number, version, part)
            self._job(EVALUATOR_QUEUE, f"evaluation/{number}", job, priority=2)
        for run, number in round_credits.pending(session):
            # A few models at a time, behind all else: nothing waits for more than one slice.
            job = partial(credit_jobs.work_out, services, run, number)
            self._job(EVALUATOR_QUEUE, f"credits/{run}/{number}", job, priority=3)

    def _job(self, queue: str, key: str, job: Job, priority: int = 0) -> None:
        now = self._services.now()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        if key in self._resting:
            return
        submit = self._submit_evaluation if queue == EVALUATOR_QUEUE else self._submit
        submit(queue, key, partial(self._do, key, job), priority)

    def _do(self, key: str, job: Job) -> None:
        if self._stopping.is_set():
            return
        try:
            job()
        except Exception:
            if not self._stopping.is_set():
                log.exception("Work in the background failed: %s", key)
                self._resting = {**self._resting, key: self._services.now() + REST_SECONDS}
                self._services.wakeup.notify()
