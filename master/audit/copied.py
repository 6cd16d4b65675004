"""Whether an update is one that came before: another node's, or the node's own once more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.sketch import Sketch, distance

FEW_STEPS = 3
"""Steps after which two sites' changes may be much the same: one step of Adam moves each weight
by the learning rate, whatever the pictures."""

SAME_CHANGE = "the same change of the weights"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An update that came before, in this round or in another.

    Attributes:
        node: The node's id.
        node_name: The node's name.
        round: Round that it was made for.
        sketch: Its sketch.
        few_steps: Whether neither it nor the update that is compared with it took more than
            `FEW_STEPS` steps.
        elsewhere: Whether it was made for another run.
    """

    node: str
    node_name: str
    round: int
    sketch: Sketch
    few_steps: bool = False
    elsewhere: bool = False


def check_copied(
    sketch: Sketch, node: str, earlier: Iterable[Earlier], policy: AuditPolicy
) -> Finding:
    """Compares an update with those before it: the same weights, or the same change to them.

    Args:
        sketch: Of the update.
        node: Id of the node that sent it.
        earlier: Updates that came before, but not the same work: not the same public pictures
            with the same seed, nor the node's own from the same weights. Of other runs those
            with the same weights are enough: their changes were drawn by other secrets.
        policy: Says how near is the same.
    """
    if not sketch.is_telling:
        why = "nothing that trains has changed" if sketch.norm == 0 else "the model is too small"
        return Finding(f"Not compared with earlier updates: {why}.", Weight.UNCHECKED)
    odd = None
    for other in earlier:
        own = other.node == node
        whose = "its own" if own else f"that of {other.node_name}"
        if sketch.digest == other.sketch.digest:
            sentence = f"The update has the same weights as {whose} for round {other.round}"
            where = " of another run." if other.elsewhere else "."
            return Finding(f"{sentence}{where}", Weight.WRONG)
        if not (other.sketch.is_telling and distance(sketch, other.sketch) <= policy.copy_distance):
            continue
        sentence = f"The update has {SAME_CHANGE} as {whose}"
        if not (own or other.few_steps):
            return Finding(f"{sentence} for round {other.round}.", Weight.WRONG)
        # One step of Adam on ten pictures is much the same in every round.
        sentence += f" for round {other.round}, as few steps on a few pictures may."
        odd = odd or Finding(sentence, Weight.ODD)
    return odd or Finding("It is no copy of an earlier update of this run.")
