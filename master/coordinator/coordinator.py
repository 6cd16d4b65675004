"""The coordinator's thread, and one step of it."""

from __future__ import annotations

import logging
import threading
from functools import partial

from sqlalchemy.orm import Session

from federated.states import TaskState
from master.coordinator import handover, judging
from master.coordinator.closing import close_round
from master.coordinator.figures import compute
from master.coordinator.running import Step, advance
from master.house import House
from master.lanes import Job, Submit
from master.store import deliveries, evaluations, lease, runs, statistics, studies, tasks
from master.store.tables import RunRow
from master.store.tasks import Brief

log = logging.getLogger(__name__)

LEASE = "coordinator"
LEASE_SECONDS = 15.0
REST_SECONDS = 5.0
"""Pause after an unexpected error, so that a full disk does not make a busy loop."""

EVALUATOR_LANE = "evaluator"
BACKGROUND_LANE = "background"


class Coordinator:
    """Moves runs and rounds from state to state; one of them at a time, by a lease.

    Args:
        house: The parts of the master.
        holder: Who holds the lease; the same for every start on one state folder, so that
            a restart need not wait for the lease of the process that was killed.
        submit: Takes work for the children's lanes.
        submit_heavy: Takes work for the evaluation process.
    """

    def __init__(self, house: House, holder: str, submit: Submit, submit_heavy: Submit) -> None:
        self._house = house
        self._holder = holder
        self._submit = submit
        self._submit_heavy = submit_heavy
        self._lease_until = 0.0
        self._dropped_until = house.now()
        self._resting: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """What a new start of the server does once, before the first step."""
        house = self._house
        with house.database.write() as session:
            now = house.now()
            tasks.extend_leases(session, now, house.settings.lease_seconds)
            studies.forget_problems(session)

    def start(self) -> None:
        """Steps in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._run, name="coordinator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and gives the lease back."""
        self._stopping.set()
        self._house.bell.ring()
        if self._thread is not None:
            self._thread.join(10)
        with self._house.database.write() as session:
            lease.release(session, LEASE, self._holder)

    def step(self) -> float | None:
        """Does everything that can be done now; returns when to look again at the latest."""
        house = self._house
        now = house.now()
        if not self._holds_lease(now):
            return now + LEASE_SECONDS / 3
        times = [now + LEASE_SECONDS / 3]
        with house.database.read() as session:
            alive = runs.alive(session)
        for run_id in alive:
            times.append(self._advance(run_id))
        times.append(self._hand_out(now))
        return min(times)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                again_at = self.step()
            except Exception:
                log.exception("The coordinator's step failed")
                again_at = self._house.now() + REST_SECONDS
            wait = None if again_at is None else max(0.0, again_at - self._house.now())
            self._house.bell.wait(wait)

    def _holds_lease(self, now: float) -> bool:
        if now < self._lease_until - LEASE_SECONDS / 2:
            return True
        with self._house.database.write() as session:
            held = lease.hold(session, LEASE, self._holder, now, LEASE_SECONDS)
        self._lease_until = now + LEASE_SECONDS if held else 0.0
        return held

    def _advance(self, run_id: str) -> float:
        """Moves a run on as far as it goes; returns when to look at it again."""
        house = self._house
        rests_until = self._resting.get(run_id, 0.0)
        if rests_until > house.now():
            return rests_until
        step = Step(moved=True)
        try:
            while step.moved:
                with house.database.write() as session:
                    step = advance(house, session, run_id, house.now())
                if step.aggregate is not None:
                    close_round(house, run_id, step.aggregate)
                    step = Step(moved=True)
        except Exception as error:
            return self._rest(run_id, error)
        if step.build:
            self._job(
                EVALUATOR_LANE, f"build/{run_id}", partial(judging.build_for_run, house, run_id)
            )
        return float("inf") if step.again_at is None else step.again_at

    def _rest(self, run_id: str, error: Exception) -> float:
        """One run's trouble, a full disk say, is tried again later and holds up no other."""
        log.error("Run %s cannot go on for now", run_id, exc_info=error)
        until = self._house.now() + REST_SECONDS
        self._resting[run_id] = until
        return until

    def _hand_out(self, now: float) -> float:
        """Hands out all work that is due; what is under way already is not handed out twice."""
        house = self._house
        with house.database.read() as session:
            briefs = tasks.at_hand(session, self._dropped_until)
            models, again_at = deliveries.due(session, now, house.settings.reachable_seconds)
            unknown = statistics.missing(session)
            self._hand_out_judging(session, briefs)
        for brief in briefs:
            if brief.state == TaskState.QUEUED:
                job: Job = partial(handover.hand_over, house, brief.id)
                self._job(brief.node, f"task/{brief.id}", job)
            elif brief.state != TaskState.SUBMITTED:
                job = partial(handover.drop, house, brief.node, brief.id)
                self._job(brief.node, f"drop/{brief.id}", job, priority=2)
        for due in models:
            key = f"model/{due.node}/{due.study}/{due.version}"
            self._job(due.node, key, partial(handover.send_model, house, due), priority=1)
        for weights, signature in unknown:
            job = partial(compute, house, weights, signature)
            self._job(BACKGROUND_LANE, f"statistics/{weights}", job)
        self._dropped_until = now
        resting = [until for until in self._resting.values() if until > now]
        return min([*resting, float("inf") if again_at is None else again_at], default=float("inf"))

    def _hand_out_judging(self, session: Session, briefs: list[Brief]) -> None:
        house = self._house
        for brief in briefs:
            if brief.state == TaskState.SUBMITTED:
                study = session.get_one(RunRow, brief.run).study_id
                # Without pictures an audit is a comparison of numbers: it need not queue.
                heavy = evaluations.has_pictures(session, study, "audit")
                job = partial(judging.audit, house, brief.id)
                self._job(EVALUATOR_LANE if heavy else brief.id, f"audit/{brief.id}", job)
        for study in studies.without_model(session):
            job = partial(judging.build_for_study, house, study)
            self._job(EVALUATOR_LANE, f"build/{study}", job)
        for number, version, part in evaluations.due(session):
            job = partial(judging.evaluate, house, number, version, part)
            self._job(EVALUATOR_LANE, f"evaluation/{number}", job, priority=2)

    def _job(self, lane: str, key: str, job: Job, priority: int = 0) -> None:
        now = self._house.now()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        if key in self._resting:
            return
        submit = self._submit_heavy if lane == EVALUATOR_LANE else self._submit
        submit(lane, key, partial(self._do, key, job), priority)

    def _do(self, key: str, job: Job) -> None:
        if self._stopping.is_set():
            return
        try:
            job()
        except Exception:
            if not self._stopping.is_set():
                log.exception("Work in the background failed: %s", key)
                self._resting = {**self._resting, key: self._house.now() + REST_SECONDS}
                self._house.bell.ring()
