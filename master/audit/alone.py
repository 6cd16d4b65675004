"""The verdict on an update by itself, before anything is known of the round's others."""

from __future__ import annotations

from federated.plan import AuditPolicy
from federated.wire import UpdateDocument
from master.audit.claim import check_claim
from master.audit.finding import Finding, Verdict, Weight, verdict_of
from master.audit.measurement import Measurement
from master.audit.unchanged import check_changed

FORM = Finding("The tensors have the right names, shapes and dtypes, and are finite.")


def judge(
    document: UpdateDocument,
    *,
    changed: bool,
    measurement: Measurement,
    policy: AuditPolicy,
    copied: Finding | None = None,
) -> Verdict:
    """Judges an update whose signature and figures are known to be right.

    Args:
        document: What the node says about its update.
        changed: Whether any weight differs from those that the task named.
        measurement: What the master found on its own pictures.
        policy: The plan's rules.
        copied: What the comparison with earlier updates says, where one was made.
    """
    change = check_changed(document, changed)
    if change.weight is Weight.WRONG:
        # Nothing else is to be said of weights that the master has made itself.
        return verdict_of([change], {})
    findings = [FORM, change, *([copied] if copied else [])]
    findings.append(_measured(document, measurement, policy))
    return verdict_of(findings, measurement.figures)


def _measured(document: UpdateDocument, measurement: Measurement, policy: AuditPolicy) -> Finding:
    if measurement.report is not None:
        return check_claim(document, measurement.figures, policy)
    weight = Weight.WRONG if measurement.broken else Weight.UNCHECKED
    return Finding(f"{measurement.problem}.", weight)
