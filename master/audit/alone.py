"""The verdict on an update by itself, before anything is known of the round's others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from federated.plan import AuditPolicy
from federated.training import Training
from federated.wire import UpdateDocument
from master.audit.claim import check_claim
from master.audit.finding import Finding, Verdict, Weight, verdict_of
from master.audit.measurement import Measurement
from master.audit.mirror import check_mirror
from master.audit.mixture import Mixed, mixed
from master.audit.unchanged import check_changed

FORM = Finding("The tensors have the right names, shapes and dtypes, and are finite.")

UNSCORED = "The run goes by the accuracy of each update, and this one has none."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the task asked for.

    Attributes:
        training: How it was to be trained.
        judging: Pictures that its node has measured it on at least; None where nobody knows.
        counts: Pictures of each class that its node has announced; empty where nobody knows
            which classes it has trained on.
        is_trial: Whether it trained with hyperparameters of its own, which may lead astray.
        needs_score: Whether the run can do nothing with an update whose accuracy is unknown.
    """

    training: Training = field(default_factory=Training)
    judging: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    is_trial: bool = False
    needs_score: bool = False


def judge(
    document: UpdateDocument,
    *,
    changed: bool,
    measurement: Measurement,
    policy: AuditPolicy,
    asked: Asked,
    copied: Finding | None = None,
) -> Verdict:
    """Judges an update whose signature and figures are known to be right.

    Args:
        document: What the node says about its update.
        changed: Whether any weight differs from those that the task named.
        measurement: What the master found on its own pictures.
        policy: The plan's rules.
        asked: What the task asked for.
        copied: What the comparison with earlier updates says, where one was made.
    """
    change = check_changed(changed, asked.training.epochs)
    if change.weight is Weight.WRONG:
        # Nothing else is to be said of weights that the master has made itself.
        return verdict_of([change], {})
    findings = [FORM, change, *([copied] if copied else [])]
    findings.append(_measured(document, measurement, policy, asked))
    if measurement.errors is not None and not asked.is_trial:
        findings.append(check_mirror(measurement.errors, asked.counts, policy))
    verdict = verdict_of(findings, measurement.figures)
    return _scored(verdict, measurement) if asked.needs_score else verdict


def _measured(
    document: UpdateDocument, measurement: Measurement, policy: AuditPolicy, asked: Asked
) -> Finding:
    if measurement.report is not None:
        own = _like_its_own(measurement, asked.counts)
        return check_claim(document, measurement.figures, policy, asked.judging, own)
    weight = Weight.WRONG if measurement.broken else Weight.UNCHECKED
    return Finding(f"{measurement.problem}.", weight)


def _like_its_own(measurement: Measurement, counts: Mapping[str, int]) -> Mixed | None:
    """The accuracy on audit pictures that are mixed as the site's classes are."""
    errors, hits = measurement.errors, measurement.hits
    if errors is None or hits is None:
        return None
    return mixed(hits, errors.labels, counts)


def _scored(verdict: Verdict, measurement: Measurement) -> Verdict:
    """Rejects what has no accuracy; that the master could not measure it says nothing of a node."""
    if not verdict.accepted or "accuracy" in measurement.figures:
        return verdict
    reasons, against = (*verdict.reasons, UNSCORED), (*verdict.against, UNSCORED)
    return replace(verdict, accepted=False, reasons=reasons, against=against, telling=False)
