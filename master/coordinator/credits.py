"""The credits of a round: begun where it closes, granted once its updates are measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from federated.plan import Plan, RewardPolicy
from federated.values import sha256_of
from master.rewards import (
    Asking,
    Coalition,
    Merits,
    answered,
    asking,
    own,
    reason,
    share_out,
)
from master.store import evaluations, ledger, pictures, round_credits
from master.store.ledger import Credit
from master.store.tables import RunRow
from master.store.updates import Accepted

NO_POOL = "The plan hands out no credits."
NO_PICTURES = "The master has no audit pictures to measure the updates on."
NO_MERIT = "By the plan's rule, no update of the round has brought anything."


def begin(
    session: Session,
    run: RunRow,
    number: int,
    plan: Plan,
    accepted: Iterable[Accepted],
    now: float,
) -> None:
    """Has the credits of a round worked out; at once, where all that they go by is known.

    Args:
        session: The transaction in which the round closes.
        run: The run.
        number: The round.
        plan: The run's plan.
        accepted: The updates that the round counts.
        now: The time.
    """
    below = pictures.next_row(session, run.study_id)
    round_credits.open_pending(session, run.id, number, plan.rewards, below, now)
    if plan.rewards.pool == 0:
        round_credits.settle(session, run.id, number, None, NO_POOL, now)
    elif not evaluations.has_pictures(session, run.study_id, "audit"):
        round_credits.settle(session, run.id, number, None, NO_PICTURES, now)
    else:
        updates = in_order(accepted)
        measured = {own(place): accuracy_of(update) for place, update in enumerate(updates)}
        found = answered(policy_of(plan, run.id, number, len(updates)), measured.get)
        if isinstance(found, Merits):
            grant(session, run.id, number, plan.rewards, updates, found, now)


def grant(
    session: Session,
    run: str,
    number: int,
    policy: RewardPolicy,
    updates: tuple[Accepted, ...],
    found: Merits,
    now: float,
) -> bool:
    """Writes what a policy found, and the ledger; False where that has happened before."""
    shares = shares_of(policy, found)
    why = found.why_none or (None if shares else NO_MERIT)
    document = document_of(updates, found, shares)
    if not round_credits.settle(session, run, number, document, why, now):
        return False
    credits = [
        Credit(
            node=update.node,
            task=update.task,
            amount=shares[place],
            policy=policy.policy,
            reason=reason(policy.policy, found, place, policy.pool),
        )
        for place, update in enumerate(updates)
        if shares.get(place)
    ]
    ledger.add(session, run, number, credits, now)
    return True


def shares_of(policy: RewardPolicy, found: Merits) -> dict[int, int]:
    """Thousandths of each update that earns any, by its place; they sum to the pool."""
    # Ties go by place, which is the order of names.
    shares = share_out(policy.pool, {f"{k:06}": merit for k, merit in enumerate(found.merits)})
    return {int(place): amount for place, amount in shares.items() if amount}


def document_of(
    updates: tuple[Accepted, ...], found: Merits, shares: dict[int, int]
) -> dict[str, Any]:
    """The arithmetic of a round as it is kept: for each task compared, contribution, amount."""
    each = zip(updates, found.compared, found.contributions, strict=False)
    return {
        "before": found.before,
        "after": found.after,
        "orders": found.orders,
        "updates": {
            update.task: [compared, contribution, shares.get(place, 0)]
            for place, (update, compared, contribution) in enumerate(each)
        },
    }


def policy_of(plan: Plan, run: str, number: int, count: int, orders: int | None = None) -> Asking:
    """The plan's policy for a round; what it draws follows from the plan's seed, run and round."""
    seed = int(sha256_of(["credits", plan.seed, run, number])[:15], 16)
    return asking(plan.rewards, count, seed, orders)


def in_order(accepted: Iterable[Accepted]) -> tuple[Accepted, ...]:
    """A round's updates in the order in which policies know them: by name, then by task."""
    return tuple(sorted(accepted, key=lambda update: (update.node_name, update.task)))


def accuracy_of(update: Accepted) -> float | None:
    """The accuracy that the audit has measured, if it has."""
    return update.measured.get("accuracy")


def key_of(coalition: Coalition, updates: tuple[Accepted, ...]) -> str:
    """The name of a model of a round: by the bytes of the updates that it is made of."""
    hashes = sorted(updates[place].sha256 for place in coalition.members)
    return sha256_of([coalition.averaged, *hashes])
