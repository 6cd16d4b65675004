"""A node's standing: how often what it sends is looked at closely.

After BOINC's adaptive replication: a node with n good results in a row is checked with
probability 1/n, and one bad result starts over. A result counts in the row only if it was looked
at closely, so that n does not grow by what nobody has seen.

References:
    D. P. Anderson, "BOINC: A Platform for Volunteer Computing", Journal of Grid Computing 18,
    2020. https://arxiv.org/abs/1903.01699
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from federated.states import NodeStanding, NodeState


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a node's results.

    Attributes:
        good: Good results in a row.
        reason: Why its last bad result was one, as a sentence; None where there was none
            within the last `trusted_after`.
    """

    good: int = 0
    reason: str | None = None


def after_good(record: Record, trusted_after: int) -> Record:
    """The record after one more good result that was looked at closely."""
    good = record.good + 1
    return Record(good, None if good >= trusted_after else record.reason)


def after_bad(reason: str) -> Record:
    """The record after a bad result: everything starts over."""
    return Record(0, reason)


def standing_of(record: Record, state: NodeState, trusted_after: int) -> NodeStanding:
    """The word for it."""
    if state == NodeState.SUSPENDED:
        return NodeStanding.SUSPENDED
    if record.good >= trusted_after:
        return NodeStanding.TRUSTED
    return NodeStanding.CHECKED if record.reason is None else NodeStanding.WATCHED


def probability(record: Record, trusted_after: int) -> float:
    """How likely the next result is looked at closely, 0 to 1."""
    return 1 / record.good if record.good >= max(trusted_after, 1) else 1.0


def is_drawn(seed: str, what: str, chance: float) -> bool:
    """Whether something of this chance happens; the same for the same secret seed and name."""
    digest = hashlib.sha256(f"{seed}/{what}".encode()).digest()
    return int.from_bytes(digest[:8]) < chance * 2**64
