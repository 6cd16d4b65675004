"""The verdicts that only the round's other updates make possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from federated.plan import AuditPolicy
from master.audit.alike import Sent, alike
from master.audit.contribution import check_contributions
from master.audit.copied import Earlier, check_copied
from master.audit.direction import check_directions, directions, mix_distances
from master.audit.finding import Finding, Weight
from master.audit.norm import check_norms
from master.audit.sketch import Sketch

UNLIKE = (
    "Not compared with the round's others in length, direction and accuracy: each was trained "
    "with hyperparameters of its own."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An update that counts unless the others say otherwise.

    Attributes:
        task: Its task.
        node_name: Its node's name.
        sketch: Its sketch; None where an older master has taken it.
        measured: Its figures on the audit pictures; empty where it was not measured.
        counts: Pictures that its node has announced, by class; empty where it trained on public
            ones, or is not known to have any.
        steps: Optimiser steps that it was to take with the pictures that count for it.
        node: Its node's id.
        round: The round that it was made for.
        start: Hash of the weights that it started from.
        slot: The work; attempts at the same public work share it.
        few_steps: Whether its node says to have taken no more than `copied.FEW_STEPS`: then
            another's change may be much the same.
        is_harmless: Whether it was measured on audit pictures mixed as its site's own classes
            are, and loses nothing there.
    """

    task: str
    node_name: str
    sketch: Sketch | None
    measured: Mapping[str, float]
    counts: Mapping[str, int] = field(default_factory=dict)
    steps: int = 1
    node: str = ""
    round: int = 0
    start: str = ""
    slot: str = ""
    few_steps: bool = False
    is_harmless: bool = False


def compare(
    candidates: Sequence[Candidate],
    start: Mapping[str, float],
    policy: AuditPolicy,
    *,
    trained_alike: bool = True,
) -> dict[str, list[Finding]]:
    """What the comparison says of each update, by its task.

    Args:
        candidates: The updates of a round, in the order in which they came.
        start: Figures of the round's first model on the audit pictures; may be empty.
        policy: The plan's rules.
        trained_alike: Whether all trained with the same hyperparameters. Else one may well go
            further than another, elsewhere and for the worse: only copies are looked for.
    """
    found: dict[str, list[Finding]] = {one.task: [] for one in candidates}
    sketched = [(one, one.sketch) for one in candidates if one.sketch and one.sketch.is_telling]
    for one, copied in _copies(sketched, policy):
        found[one.task].append(copied)
    if not trained_alike:
        for one in candidates:
            found[one.task].append(Finding(UNLIKE, Weight.UNCHECKED))
        return found
    _add_forms(found, candidates, sketched, policy)
    measured = [one.measured for one in candidates]
    harmless = {row for row, one in enumerate(candidates) if one.is_harmless}
    contributions = check_contributions(measured, start, policy, harmless)
    for one, finding in zip(candidates, contributions, strict=True):
        if finding is not None:
            found[one.task].append(finding)
    return found


def _add_forms(
    found: dict[str, list[Finding]],
    candidates: Sequence[Candidate],
    sketched: Sequence[tuple[Candidate, Sketch]],
    policy: AuditPolicy,
) -> None:
    """Lengths and directions."""
    if len(sketched) < policy.compare_from:
        few = Finding(_too_few(len(sketched), policy), Weight.UNCHECKED)
        for one in candidates:
            found[one.task].append(few)
        return
    sketches = [sketch for _, sketch in sketched]
    steps = [one.steps for one, _ in sketched]
    norms = check_norms([sketch.norm for sketch in sketches], steps, policy)
    mixes = mix_distances([one.counts for one, _ in sketched])
    ways = directions(np.stack([sketch.projection for sketch in sketches]))
    harmless = [one.is_harmless for one, _ in sketched]
    pointed = check_directions(ways, mixes, harmless, policy)
    for (one, _), norm, way in zip(sketched, norms, pointed, strict=True):
        found[one.task] += [norm, way]


def _copies(
    sketched: Sequence[tuple[Candidate, Sketch]], policy: AuditPolicy
) -> list[tuple[Candidate, Finding]]:
    """Of two updates that are the same the later one; they may have been judged side by side."""
    sent = [
        Sent(sketch, one.node, one.start, f"{one.round}/{one.slot}", one.few_steps)
        for one, sketch in sketched
    ]
    found = []
    for (one, sketch), places in zip(sketched, alike(sent, policy.copy_distance), strict=True):
        earlier = [_earlier(one, *sketched[place]) for place in places]
        finding = check_copied(sketch, one.node, earlier, policy)
        if finding.weight is not Weight.FITS:
            found.append((one, finding))
    return found


def _earlier(one: Candidate, other: Candidate, sketch: Sketch) -> Earlier:
    few_steps = one.few_steps and other.few_steps
    return Earlier(other.node, other.node_name, other.round, sketch, few_steps)


def _too_few(count: int, policy: AuditPolicy) -> str:
    updates = "1 update" if count == 1 else f"{count} updates"
    return (
        f"Not compared with the round's others in length and direction: {updates} to compare, "
        f"{policy.compare_from} needed."
    )
