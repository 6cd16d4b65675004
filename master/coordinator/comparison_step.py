"""The last look before a round closes: its updates beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federated.plan import Plan
from master.audit.finding import verdict_of
from master.audit.together import compare
from master.store import audits, sketches
from master.store.tables import RoundRow, TaskRow


def judge_together(
    session: Session, row: RoundRow, plan: Plan, task_ids: Sequence[str], now: float
) -> bool:
    """Compares the updates that a round is about to count, and rejects those that must not.

    Only what is in the tables is read: no tensor, and no picture. The same transaction begins to
    aggregate, so a killed master finds either the verdicts and the round closing, or neither.

    Returns:
        Whether any was rejected: then the round has to be looked at anew.
    """
    candidates = sketches.candidates(session, task_ids, plan.training)
    start = audits.start_figures(session, row.before_id)
    found = compare(candidates, start, plan.audit, trained_alike=plan.search is None)
    verdicts = {one.task: verdict_of(found[one.task], one.measured) for one in candidates}
    rejected = [task for task, verdict in verdicts.items() if not verdict.accepted]
    for task in rejected:
        audits.reject(session, session.get_one(TaskRow, task), verdicts[task], now)
    if rejected:
        return True
    for task, verdict in verdicts.items():
        each = session.get_one(TaskRow, task)
        audits.confirm(session, each, verdict, plan.audit.trusted_after, now)
    return False
