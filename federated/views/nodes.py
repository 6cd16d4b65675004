"""Nodes, as the master shows them."""

from __future__ import annotations

from typing import Literal

from federated.messages import Counts
from federated.states import NodeStanding, NodeState
from federated.values import Message


class ReceivedModel(Message):
    """The last global model that the master sent to a node.

    Attributes:
        study: Study of the model.
        weights: SHA-256 of the weights.
        round: Round that made them; 0 for the initial model.
        http_status: Status with which the child answered; None where none came.
        detail: What went wrong, or "received global model".
        at: When.
    """

    study: str
    weights: str
    round: int
    http_status: int | None
    detail: str
    at: float


class NodeView(Message):
    """A node as the master knows it.

    Attributes:
        mode: `push`: the master calls it; `pull`: it asks for work.
        reachable: Whether the last contact, either way, is recent.
        received: The last model sent, by study.
        studies: Labelled pictures by study and class, as last reported.
        new_labelled: New labelled pictures by study, as last reported.
        credits: Credits granted so far.
        examples_per_second: Measured speed, transfer included; None before its first update.
        standing: How closely the master looks at what it sends.
        good_results: Good results in a row that were looked at closely.
        standing_reason: Why its last bad result was one; None where there is none to tell of.
    """

    id: str
    name: str
    state: NodeState
    url: str | None
    mode: Literal["push", "pull"] = "push"
    version: str
    joined_at: float
    last_seen: float | None
    reachable: bool
    activity: str
    studies: dict[str, Counts]
    new_labelled: dict[str, int]
    received: dict[str, ReceivedModel]
    credits: float
    examples_per_second: float | None = None
    standing: NodeStanding = NodeStanding.CHECKED
    good_results: int = 0
    standing_reason: str | None = None
