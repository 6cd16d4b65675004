"""After the last round: each site's model on each other site's validation pictures.

A failure here fails no run: the run is completed when every site has answered that can, or at
the deadline, and a site without an answer has a row that says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federated.plan import Plan
from federated.states import TaskState
from master.coordinator.step import Step
from master.services import Services
from master.store import cross_sites, round_tasks, rounds, task_ends
from master.store.round_tasks import TaskSummary
from master.store.tables import CrossSiteRow, RunRow
from master.store.tasks import OPEN

MEASURING = "each site's model is measured at the other sites"


def is_over(tasks: Sequence[TaskSummary], deadline_at: float, now: float) -> bool:
    """Whether a measurement ends: at its deadline, or when nobody is at work on it any more.

    A site that has fallen silent holds up nobody.
    """
    return now >= deadline_at or not any(task.coming for task in tasks)


def measure(
    services: Services, session: Session, run: RunRow, plan: Plan, now: float
) -> Step | None:
    """One step of a run's measurement; None where it asks for none, or once that is over."""
    row = _row(session, run, plan, now) if plan.cross_site else None
    if row is None or row.closed_at is not None:
        return None
    run.reason = MEASURING
    if row.opened_at is None and now < row.deadline_at:
        return Step(gather=True, again_at=row.deadline_at)
    found = _lapsed(services, session, run, now)
    if not is_over(found, row.deadline_at, now):
        ends = [task.lease_until for task in found if task.coming]
        return Step(again_at=min([row.deadline_at, *ends]))
    left = [task.id for task in found if task.state in OPEN]
    reason = "the run is completed without it"
    task_ends.end(session, left, TaskState.EXPIRED, reason, now)
    cross_sites.close(session, row, now)
    return None


def _row(session: Session, run: RunRow, plan: Plan, now: float) -> CrossSiteRow | None:
    """The run's measurement, begun if need be; None where no round has made a model."""
    row = cross_sites.find(session, run.id)
    if row is not None:
        return row
    last = rounds.last(session, run.id, closed=True)
    if last is None:
        return None
    return cross_sites.prepare(session, last, now, now + plan.deadline_seconds)


def _lapsed(services: Services, session: Session, run: RunRow, now: float) -> list[TaskSummary]:
    """The tasks, once those are put back whose leases have run out."""
    found = round_tasks.measuring(session, run.id)
    silent = [task.id for task in found if task.coming and task.lease_until <= now]
    if not silent:
        return found
    task_ends.lapse(session, silent, now, services.settings.lease_seconds)
    return round_tasks.measuring(session, run.id)
