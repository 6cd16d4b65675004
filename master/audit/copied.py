"""Whether an update is one that came before: another node's, or the node's own once more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.sketch import Sketch, distance

SAME_WEIGHTS = "the same weights"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An update of the same run that came before.

    Attributes:
        node: The node's id.
        node_name: The node's name.
        round: Round that it was made for.
        sketch: Its sketch.
    """

    node: str
    node_name: str
    round: int
    sketch: Sketch


def check_copied(
    sketch: Sketch, node: str, earlier: Iterable[Earlier], policy: AuditPolicy
) -> Finding:
    """Compares an update with those before it: the same weights, or the same change to them.

    Args:
        sketch: Of the update.
        node: Id of the node that sent it.
        earlier: Updates of the run that came before.
        policy: Says how near is the same.
    """
    if not sketch.is_telling:
        why = "nothing that trains has changed" if sketch.norm == 0 else "the model is too small"
        return Finding(f"Not compared with earlier updates: {why}.", Weight.UNCHECKED)
    for other in earlier:
        same = same_as(sketch, other.sketch, policy)
        if same is None:
            continue
        if other.node != node:
            sentence = f"The update has {same} as that of {other.node_name}"
            return Finding(f"{sentence} for round {other.round}.", Weight.WRONG)
        sentence = f"The update has {same} as its own for round {other.round}"
        if same == SAME_WEIGHTS:
            return Finding(f"{sentence}.", Weight.WRONG)
        # One step of Adam on ten pictures is much the same in every round.
        return Finding(f"{sentence}, as one step on a few pictures may.", Weight.ODD)
    return Finding("It is no copy of an earlier update of this run.")


def same_as(one: Sketch, other: Sketch, policy: AuditPolicy) -> str | None:
    """What two updates have in common, in words; None where they differ."""
    if one.digest == other.digest:
        return SAME_WEIGHTS
    near = distance(one, other) <= policy.copy_distance
    return "the same change of the weights" if near and other.is_telling else None
