"""Audits: work for the evaluation process, and for threads that only read numbers.

Updates that wait at the same time are measured together. No node waits for any of this: its
answer was given when the update had arrived whole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from federated.errors import FederationError
from federated.plan import Plan
from federated.search import trained_with
from federated.training import Training
from federated.wire import UpdateDocument, UpdateReader
from master.audit import Asked, Measurement, Verdict, judge
from master.audit.claim import judging_count
from master.audit.mirror import speaks_for
from master.audit.sketch import Sketch, sketch_of
from master.audit.standing import Record, is_drawn, probability
from master.coordinator import replication_step
from master.coordinator.audit_measuring import Measured, measure
from master.coordinator.comparison_step import copy_finding
from master.coordinator.deadline import measured_speed
from master.coordinator.round_opening import field_of, patience
from master.evaluation import EvaluatorStopped
from master.services import Services
from master.store import audits, node_records, nodes, replicas, runs, sketches, versions
from master.store.tables import TaskRow, UpdateRow
from master.store.tasks import REPLICA, hyperparameters_of
from master.store.updates import is_public
from master.store.versions import Version
from serving.blobs import open_blob
from serving.worker import WorkerDied

log = logging.getLogger(__name__)

MOST_TOGETHER = 8
"""Updates that are measured in one call."""

DIED = "The evaluation process ended over an update"

OWN_TROUBLE = (WorkerDied, EvaluatorStopped, OSError, MemoryError, SQLAlchemyError)
"""What says nothing of an update: the audit is tried again later."""


@dataclass(frozen=True, slots=True)
class Work:
    """An update that waits for its verdict.

    Attributes:
        task: Its task.
        sha256: Its blob.
        document: What its metadata says.
        base: The version that it starts from.
        plan: The run's plan.
        training: How it was to be trained: as the plan says, or as the search does.
        counts: Pictures that its node had announced when it came, by class; empty for public
            ones.
        seed: The run's secret.
        record: What is remembered of its node.
        is_public: Whether it was trained on public pictures.
        is_replica: Whether it is compared with another's answer to the same work, and no more.
    """

    task: str
    sha256: str
    document: UpdateDocument
    base: Version
    plan: Plan
    training: Training
    counts: Mapping[str, int]
    seed: str
    record: Record
    is_public: bool
    is_replica: bool

    @property
    def judging(self) -> int | None:
        """Pictures of its own that its node has measured it on at least; None for public ones."""
        fraction = self.plan.training.validation_fraction
        told = self.document.num_examples
        return judging_count(self.counts, fraction, told) if self.counts else None

    @property
    def is_close(self) -> bool:
        """Whether it is looked at closely, for its node's standing or because others need it."""
        if needs_scores(self.plan):
            return True
        chance = probability(self.record, self.plan.audit.trusted_after)
        return is_drawn(self.seed, f"measure/{self.task}", chance)


@dataclass(frozen=True, slots=True)
class Read:
    """What reading an update has shown: its sketch, or the verdict where it cannot be read."""

    sketch: Sketch | None = None
    changed: bool = True
    verdict: Verdict | None = None


def needs_scores(plan: Plan) -> bool:
    """Whether every update has to be measured: for its credits, the rule, or the search."""
    by_score = plan.rewards.policy in ("accuracy", "improvement")
    return goes_by_scores(plan) or (plan.rewards.pool > 0 and by_score)


def goes_by_scores(plan: Plan) -> bool:
    """Whether an update without a score is of no use: to the rule, or to the search."""
    return plan.strategy.name == "best_k" or plan.search is not None


def audit(services: Services, task_id: str, most: int = 1) -> None:
    """Judges the update of a submitted task, and others of its run that wait as well.

    Args:
        services: The parts of the master.
        task_id: The task.
        most: Updates that are judged together.

    Raises:
        NotFound: The weights that an update starts from are not here.
        WorkerDied: The evaluation process ended over an update each time; the others are judged.
        EvaluatorStopped: The server is going.
        OSError: The disk refused.
        MemoryError: There is no room now.
        SQLAlchemyError: The database refused.
    """
    works = _works(services, task_id, most)
    reads = [_read(services, work) for work in works]
    readable = [
        work
        for work, read in zip(works, reads, strict=True)
        if not read.verdict and not work.is_replica
    ]
    measured = _measured(services, readable)
    for work, read in zip(works, reads, strict=True):
        measurement = measured.get(work.task, Measurement())
        if not measurement.died:
            _settle(services, work, read, measurement)
    services.wakeup.notify()
    if any(measurement.died for measurement in measured.values()):
        raise WorkerDied(DIED)


def _works(services: Services, task_id: str, most: int) -> list[Work]:
    with services.database.read() as session:
        found = audits.waiting_with(session, task_id, most)
        if not found:
            return []
        run = runs.get(session, found[0][0].run_id)
        known = sketches.known_seed(session, run.id)
    if known is None:
        with services.database.write() as session:
            known = sketches.seed_of(session, run.id, services.new_id)
    plan = Plan.model_validate(run.plan)
    with services.database.read() as session:
        return [_work(session, task, update, plan, known) for task, update in found]


def _work(session: Session, task: TaskRow, update: UpdateRow, plan: Plan, seed: str) -> Work:
    document = UpdateDocument.model_validate(update.document)
    base = versions.get(session, task.base_id)
    return Work(
        task=task.id,
        sha256=update.sha256,
        document=document,
        base=base,
        plan=plan,
        training=trained_with(plan.training, plan.search, hyperparameters_of(task)),
        counts=update.counts or {},
        seed=seed,
        record=node_records.of_node(session, task.node_id),
        is_public=is_public(task),
        is_replica=task.kind == REPLICA,
    )


def _read(services: Services, work: Work) -> Read:
    """Reads an update once; one that cannot be read will not be the second time either."""
    before = services.blobs.path(work.base.weights)
    try:
        with open_blob(before) as base, open_blob(services.blobs.path(work.sha256)) as blob:
            after = UpdateReader(blob, work.document, base)
            sketch, changed = sketch_of(after, base, work.base.signature, work.seed)
        return Read(sketch, changed)
    except OWN_TROUBLE:
        raise
    except Exception as error:
        return Read(verdict=_unreadable(error))


def _unreadable(error: Exception) -> Verdict:
    if isinstance(error, FederationError):
        met = error.detail
    else:
        log.exception("An update could not be audited")
        met = f"an unexpected {type(error).__name__}."
    return Verdict(False, (f"The update could not be audited: {met}",), {}, telling=False)


def _measured(services: Services, works: Sequence[Work]) -> dict[str, Measurement]:
    """The measurements of updates, by task; those that are trusted are measured sometimes."""
    close = [work for work in works if work.is_close]
    asked = [
        # A trial goes where its hyperparameters lead: its mirror image says nothing.
        Measured(work.base, work.sha256, {} if work.plan.search else work.counts)
        for work in close
    ]
    found = dict(zip([work.task for work in close], measure(services, asked), strict=True))
    return {work.task: found.get(work.task) or _unmeasured(work) for work in works}


def _unmeasured(work: Work) -> Measurement:
    row = f"the last {work.record.good} results of this site that were looked at closely were good"
    return Measurement(problem=f"Not measured this time: {row}")


def _settle(services: Services, work: Work, read: Read, measurement: Measurement) -> None:
    """Writes the verdict, unless somebody has ended the task meanwhile."""
    now = services.now()
    with services.database.write() as session:
        row = audits.still_waiting(session, work.task)
        if row is None:
            return
        if read.sketch is not None:
            sketches.add(session, row, read.sketch)
        if work.is_replica:
            audits.take_replica(session, row, now)
            _compare(services, session, row, work.plan, now)
            return
        verdict = read.verdict or _judged(session, row, work, read, measurement)
        audits.settle(session, row, verdict, now, close=_speaks_for(work, measurement))
        if verdict.accepted:
            _note_speed(session, row, work)
            _compare(services, session, row, work.plan, now)


def _speaks_for(work: Work, measurement: Measurement) -> bool:
    """Whether the update was looked at closely, and what was seen makes its node trustworthy.

    Of a site's own pictures its own classes tell; of public ones, of a trial, and where there are
    no audit pictures, what else is measured or compared.
    """
    has_own = not work.is_public and work.plan.search is None
    if not work.is_close or not has_own or measurement.lacks_pictures:
        return work.is_close
    return measurement.errors is not None and speaks_for(measurement.errors, work.counts)


def _compare(services: Services, session: Session, row: TaskRow, plan: Plan, now: float) -> None:
    """Compares public work that was done twice."""
    if is_public(row) and replicas.of_slot(session, row):
        run = runs.get(session, row.run_id)
        sites = field_of(services, session, run, plan, now).sites
        replication_step.compare(session, row, plan, sites, now, patience(services.settings))


def _judged(
    session: Session, row: TaskRow, work: Work, read: Read, measurement: Measurement
) -> Verdict:
    policy = work.plan.audit
    copied = None if read.sketch is None else copy_finding(session, row, read.sketch, policy)
    return judge(
        work.document,
        changed=read.changed,
        measurement=measurement,
        policy=policy,
        asked=Asked(
            work.training,
            work.judging,
            work.counts,
            is_trial=work.plan.search is not None,
            needs_score=goes_by_scores(work.plan),
        ),
        copied=copied,
    )


def _note_speed(session: Session, row: TaskRow, work: Work) -> None:
    """Keeps how quick a node is, so that deadlines can follow from it."""
    update = session.get_one(UpdateRow, row.id)
    seconds = update.received_at - (row.leased_at or row.created_at)
    node = nodes.get(session, row.node_id)
    before, epochs = node.examples_per_second, work.training.epochs
    examples = work.document.num_examples
    node.examples_per_second = measured_speed(before, examples, epochs, seconds)
