"""Public work done twice: who does it again, and what follows from the comparison.

A round waits for none of it. What is known before it closes can keep an update out of it; what
comes later says something of the nodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from federated.plan import Plan
from federated.states import RunState, is_final
from master.audit.finding import Verdict
from master.audit.replication import Agreement, decide
from master.audit.standing import is_drawn, probability
from master.store import audits, node_records, replicas, round_tasks, runs, sketches
from master.store.nodes import Site
from master.store.round_tasks import Patience
from master.store.tables import NodeRow, RoundRow, TaskRow
from master.store.tasks import UNENDED
from master.store.updates import is_public

ALONE = "another site did the same work, and came to something else"
UNDECIDED = "did the same work and came to something else; nobody could say who is right"


def is_wanted(plan: Plan) -> bool:
    """Whether a plan has some of its work done twice.

    Only where equal work gives equal weights: not where nodes keep something of their own.
    """
    strategy = plan.strategy
    keeps = strategy.name == "scaffold" or strategy.batch_norm == "local"
    return plan.audit.replicated > 0 and plan.data.kind != "own" and not keeps


def begin(
    session: Session,
    row: RoundRow,
    plan: Plan,
    sites: Sequence[Site],
    seed: str,
    now: float,
    patience: Patience,
) -> None:
    """Gives a share of a round's public work to a second site as well.

    Args:
        session: The transaction.
        row: The round, with its tasks.
        plan: The run's plan; `audit.replicated` is the share.
        sites: Who can take part.
        seed: The run's secret: no node can tell whose work is done twice, nor by whom.
        now: The time.
        patience: How long nodes have to take a task.
    """
    policy = plan.audit
    for summary in round_tasks.of_round(session, row.run_id, row.number, carried=False):
        task = session.get_one(TaskRow, summary.id)
        record = node_records.of_node(session, task.node_id)
        chance = policy.replicated * probability(record, policy.trusted_after)
        name = f"replicate/{row.number}/{task.slot}"
        if is_public(task) and is_drawn(seed, name, chance):
            _again(session, task, sites, seed, now, patience)


def partners(sites: Sequence[Site], seed: str, number: int, slot: str) -> list[Site]:
    """The sites in the order in which they are asked to repeat a piece of work.

    By the run's secret: the order of a draw follows from the plan's seed, which nodes know.
    """

    def place(site: Site) -> bytes:
        return hashlib.sha256(f"{seed}/partner/{number}/{slot}/{site.name}".encode()).digest()

    return sorted(sites, key=place)


def settle_dropped(
    session: Session,
    dropped: Iterable[TaskRow],
    plan: Plan,
    sites: Sequence[Site],
    now: float,
    patience: Patience,
) -> None:
    """Asks another site in the place of one that gave no opinion, or settles without.

    Args:
        session: The transaction.
        dropped: Replicas that were called off.
        plan: The run's plan.
        sites: Who may be asked; empty where nobody is to be.
        now: The time.
        patience: How long nodes have to take a task.
    """
    for task in {(row.round, row.slot): row for row in dropped}.values():
        compare(session, task, plan, sites, now, patience)


def compare(
    session: Session,
    task: TaskRow,
    plan: Plan,
    sites: Sequence[Site],
    now: float,
    patience: Patience,
) -> None:
    """Compares the answers to the work of a task, if there are two or three of them.

    Where two differ a third site is asked. Where all three differ, both are looked at closely
    from then on; where there is no third, it is noted and no more: a liar could else take away
    the standing of whoever repeats its work.
    """
    run = runs.get(session, task.run_id)
    if is_final(RunState(run.state)):
        return
    first = replicas.original(session, task)
    known = None if first is None else sketches.of_task(session, first.id)
    seed = sketches.known_seed(session, task.run_id)
    others = replicas.answers(session, task)
    if first is None or known is None or seed is None or not others:
        return
    third = others[1][1] if len(others) > 1 else None
    found = decide(known, others[0][1], third, plan.audit)
    if found is not None:
        _follow(session, first, others[0][0], found, now)
        return
    if any(row.state in UNENDED for row in replicas.of_slot(session, task)):
        return
    asks = run.state == RunState.RUNNING
    if not (asks and _again(session, first, sites, seed, now, patience)):
        name = session.get_one(NodeRow, others[0][0].node_id).name
        audits.note(session, first.id, f"{name} {UNDECIDED}.")


def _again(
    session: Session,
    first: TaskRow,
    sites: Sequence[Site],
    seed: str,
    now: float,
    patience: Patience,
) -> bool:
    """Hands work to a site that has not done it; whether there was one."""
    asked = {first.node_id, *(row.node_id for row in replicas.of_slot(session, first))}
    order = partners(sites, seed, first.round, first.slot)
    site = next((site for site in order if site.id not in asked), None)
    if site is not None:
        replicas.add(session, first, site, now, patience)
    return site is not None


def _follow(
    session: Session,
    first: TaskRow,
    second: TaskRow,
    found: Agreement,
    now: float,
) -> None:
    name = session.get_one(NodeRow, second.node_id).name
    if found is Agreement.BOTH:
        audits.note(session, first.id, f"{name} did the same work and came to the same.")
        return
    if found in (Agreement.SECOND, Agreement.NEITHER):
        what = "two others agree" if found is Agreement.SECOND else "nobody could say who is right"
        reason = f"In round {first.round} {ALONE}; {what}."
        if found is Agreement.SECOND and first.counted_in is None:
            audits.reject(session, first, Verdict(False, (reason,), {}), now)
        else:
            audits.note(session, first.id, reason)
            node_records.bad(session, first.node_id, reason, now)
    if found in (Agreement.FIRST, Agreement.NEITHER):
        what = "two others agree" if found is Agreement.FIRST else "nobody could say who is right"
        node_records.bad(session, second.node_id, f"In round {first.round} {ALONE}; {what}.", now)
