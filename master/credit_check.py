"""The ledger, recomputed: does it add up, and does it come out of the stored updates again?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from federated.errors import FederationError, NotFound
from federated.plan import Plan
from master.coordinator import credits
from master.coordinator.coalition_models import Bench, Claims, accuracies, claims_of
from master.coordinator.credit_jobs import SLICE
from master.rewards import UNIT, Asking, Coalition, merits
from master.store import ledger, round_credits, runs
from master.store.tables import RoundCreditsRow
from serving.database import Database


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of a round's credits came to.

    Attributes:
        run: The run.
        round: The round.
        told: What was found, as sentences.
        faults: What does not agree; none where all is well.
    """

    run: str
    round: int
    told: tuple[str, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Books:
    """What is written down about a round's credits.

    Attributes:
        row: How they arose; None for a round of an older version.
        plan: The run's plan.
        amounts: Thousandths in the ledger, by task.
    """

    run: str
    round: int
    row: RoundCreditsRow | None
    plan: Plan
    amounts: dict[str, int]


def check(database: Database, bench: Bench, run: str | None = None) -> Iterator[Checked]:
    """Checks every round that has credits, or should have; works while the server runs.

    Args:
        database: The master's tables.
        bench: Where models are measured again.
        run: One run alone.
    """
    with database.read() as session:
        known = [*round_credits.every(session), *ledger.rounds_paid(session)]
    for one, number in dict.fromkeys(known):
        if run in (None, one):
            with database.read() as session:
                books = _books(session, one, number)
            yield _check(database, bench, books)


def _books(session: Session, run: str, number: int) -> _Books:
    return _Books(
        run=run,
        round=number,
        row=round_credits.find(session, run, number),
        plan=Plan.model_validate(runs.get(session, run).plan),
        amounts=ledger.amounts(session, run, number),
    )


def _check(database: Database, bench: Bench, books: _Books) -> Checked:
    told, faults = _added_up(books)
    row = books.row
    if row is None:
        told.append("Granted by an older version, which has not kept how.")
    elif row.state == round_credits.PENDING:
        told.append(f"Being worked out; {row.models} models are measured.")
    elif row.found is None:
        told.append(f"No credits: {row.reason}")
    else:
        faults += _differences(row.found["updates"], books.amounts, "the arithmetic that was kept")
        again, fault = _recomputed(database, bench, books, row)
        told.append(again)
        faults += fault
    return Checked(books.run, books.round, tuple(told), tuple(faults))


def _added_up(books: _Books) -> tuple[list[str], list[str]]:
    """Whether the entries come to the pool, or to nothing where there are none."""
    total, pool = sum(books.amounts.values()), books.plan.rewards.pool
    told = f"{total / UNIT:.3f} credits to {len(books.amounts)} updates"
    if books.amounts and total != pool * UNIT:
        return [f"{told}."], [f"the pool is {pool}"]
    return [f"{told}: adds up."], []


def _recomputed(
    database: Database, bench: Bench, books: _Books, row: RoundCreditsRow
) -> tuple[str, list[str]]:
    """The policy once more, from the updates alone; what was measured then is not looked at."""
    with database.read() as session:
        claims = claims_of(session, books.run, books.round, row.pictures)
    try:
        for update in claims.updates:
            bench.blobs.path(update.sha256)
    except NotFound:
        return "Not recomputed: its updates are no longer kept.", []
    measured = 0

    def value(asked: Sequence[Coalition]) -> list[float]:
        nonlocal measured
        measured += len(asked)
        pieces = [asked[start : start + SLICE] for start in range(0, len(asked), SLICE)]
        return [accuracy for piece in pieces for accuracy in accuracies(bench, claims, piece)]

    try:
        found = merits(_policy(claims, row), value)
    except FederationError as error:
        return f"Not recomputed: {error.problem}.", []
    shares = credits.shares_of(claims.material.plan.rewards, found)
    document = credits.document_of(claims.updates, found, shares)
    faults = _differences(document["updates"], books.amounts, f"{measured} models measured anew")
    same = "the same" if not faults else "not the same"
    return f"Recomputed from {measured} models: {same}.", faults


def _policy(claims: Claims, row: RoundCreditsRow) -> Asking:
    orders = row.found["orders"] if row.found else None
    return credits.policy_of(
        claims.material.plan, claims.run, claims.number, len(claims.updates), orders
    )


def _differences(found: dict[str, list[float]], amounts: dict[str, int], by: str) -> list[str]:
    """Where the ledger says something else than some arithmetic."""
    expected = {task: int(amount) for task, (_, _, amount) in found.items() if amount}
    return [
        f"task {task}: {amounts.get(task, 0) / UNIT:.3f} in the ledger, "
        f"{expected.get(task, 0) / UNIT:.3f} by {by}"
        for task in sorted(expected.keys() | amounts.keys())
        if expected.get(task, 0) != amounts.get(task, 0)
    ]
