"""The last look before a round closes: its updates beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from federated.plan import AuditPolicy, Plan
from master.audit.copied import SAME_CHANGE, check_copied
from master.audit.finding import Finding, Verdict, Weight, verdict_of
from master.audit.sketch import Sketch
from master.audit.together import Candidate, compare
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
    verdicts = {one.task: _verdict(session, one, found[one.task], plan) for one in candidates}
    rejected = [task for task, verdict in verdicts.items() if not verdict.accepted]
    for task in rejected:
        audits.reject(session, session.get_one(TaskRow, task), verdicts[task], now)
    if rejected:
        return True
    for task, verdict in verdicts.items():
        each = session.get_one(TaskRow, task)
        audits.confirm(session, each, verdict, plan.audit.trusted_after, now)
    return False


def copy_finding(session: Session, task: TaskRow, sketch: Sketch, policy: AuditPolicy) -> Finding:
    """What the run's earlier updates say of one."""
    earlier = sketches.earlier(session, task, sketch, policy.copy_distance)
    return check_copied(sketch, task.node_id, earlier, policy)


def _verdict(session: Session, one: Candidate, found: Sequence[Finding], plan: Plan) -> Verdict:
    """What the others show, with the odd sign that the update may have given by itself.

    Of the checks by itself only that for copies finds anything odd; it is asked again, and only
    where a second sign would decide.
    """
    is_odd = any(finding.weight is Weight.ODD for finding in found)
    if is_odd and one.sketch is not None:
        task = session.get_one(TaskRow, one.task)
        copied = copy_finding(session, task, one.sketch, plan.audit)
        if copied.weight in (Weight.ODD, Weight.WRONG):
            # The round's own updates are among the earlier ones: that sign counts once.
            found = [copied, *(other for other in found if SAME_CHANGE not in other.sentence)]
    return verdict_of(found, one.measured)
