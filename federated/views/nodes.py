"""Nodes, as the master shows them."""

from __future__ import annotations

from typing import Literal

from federated.messages import Counts
from federated.states import NodeStanding, NodeState, TaskState
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


class NodeTask(Message):
    """A task of a node, and what became of it.

    Attributes:
        round: Round in which it counts, or for which it was made.
        at: When it last changed.
        seconds: From when the node took it until its update was in; None without one.
        share: The weight that its update had in the average, 0 to 1.
        credits: What it earned; None where nothing has been granted.
        audit: Sentences: what was checked and found.
    """

    run: str
    round: int
    state: TaskState
    reason: str | None
    at: float
    seconds: float | None = None
    nbytes: int | None = None
    staleness: int | None = None
    share: float | None = None
    credits: float | None = None
    audit: tuple[str, ...] = ()


class NodeHistory(Message):
    """What a node has taken part in.

    Attributes:
        states: How many of its tasks are in each state.
        tasks: The newest hundred, newest first.
    """

    states: dict[str, int]
    tasks: list[NodeTask]
