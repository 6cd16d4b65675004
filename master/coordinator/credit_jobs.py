"""Working out credits: the models of a round's coalitions, measured a few at a time.

Each job is one slice. What it measured is kept in the tables, so a master that was killed goes
on where it was, and the evaluation process turns to audits and evaluations in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federated.errors import FederationError
from master.coordinator import credits
from master.coordinator.coalition_models import Bench, Claims, accuracies, claims_of
from master.rewards import Coalition, Merits, answered
from master.services import Services
from master.store import events, round_credits
from master.store.updates import Accepted
from serving.worker import WorkerDied

SLICE = 4
"""Models that are measured before other work has its turn."""

LEAST_SECONDS = 5.0
"""What a slice counts for in which the evaluation process ended: such a round ends too."""


def work_out(services: Services, run: str, number: int) -> None:
    """Does one slice of a round's measuring, or grants its credits if all is known.

    Raises:
        WorkerDied: The evaluation process ended twice; it is tried again later.
        EvaluatorStopped: The server is going.
        OSError: The disk refused.
    """
    with services.database.read() as session:
        row = round_credits.find(session, run, number)
        if row is None or row.state != round_credits.PENDING:
            return
        claims = claims_of(session, run, number, row.pictures)
        known, seconds = round_credits.measured(session, run, number), row.seconds
    plan, updates = claims.material.plan, claims.updates
    found = answered(
        credits.policy_of(plan, run, number, len(updates)),
        lambda one: _known(one, updates, known),
        over=seconds >= plan.rewards.max_seconds,
    )
    if isinstance(found, Merits):
        _settle(services, claims, found)
    else:
        _measure(services, claims, found[:SLICE])
    services.wakeup.notify()


def _known(
    one: Coalition, updates: tuple[Accepted, ...], measured: dict[str, float]
) -> float | None:
    if not one.averaged and (accuracy := credits.accuracy_of(updates[one.members[0]])) is not None:
        return accuracy
    return measured.get(credits.key_of(one, updates))


def _measure(services: Services, claims: Claims, coalitions: Sequence[Coalition]) -> None:
    started = services.now()
    found: dict[str, float] = {}
    least = 0.0
    try:
        bench = Bench(services.blobs, services.state, services.evaluator)
        values = accuracies(bench, claims, coalitions)
        keys = [credits.key_of(one, claims.updates) for one in coalitions]
        found = dict(zip(keys, values, strict=True))
    except WorkerDied:
        least = LEAST_SECONDS
        raise
    except FederationError as error:
        _give_up(services, claims, error)
    finally:
        with services.database.write() as session:
            seconds = max(least, services.now() - started)
            round_credits.keep(session, claims.run, claims.number, found, seconds)


def _settle(services: Services, claims: Claims, found: Merits) -> None:
    policy, updates = claims.material.plan.rewards, claims.updates
    with services.database.write() as session:
        now = services.now()
        if not credits.grant(session, claims.run, claims.number, policy, updates, found, now):
            return
        why = found.why_none or (None if any(found.merits) else credits.NO_MERIT)
        _tell(session, claims, why, now)


def _give_up(services: Services, claims: Claims, error: FederationError) -> None:
    """Ends with no credits where measuring will never work, because a blob is gone, say."""
    why = f"The updates could not be measured: {error.problem}."
    with services.database.write() as session:
        now = services.now()
        if round_credits.settle(session, claims.run, claims.number, None, why, now):
            _tell(session, claims, why, now)


def _tell(session: Session, claims: Claims, why: str | None, now: float) -> None:
    text = f"The credits of round {claims.number} are granted"
    if why is not None:
        text = f"Round {claims.number} hands out no credits: {why}"
    events.record(
        session, now, "credits_settled", text, run=claims.run, round=claims.number, reason=why
    )
