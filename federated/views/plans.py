"""Plans before they are run: whether they can be, and on which public pictures."""

from __future__ import annotations

from pydantic import Field

from federated.values import Message
from federated.views.rounds import ExcludedNode


class AbleNode(Message):
    """A node that could take part now."""

    node: str
    node_name: str


class PlanCheck(Message):
    """Answer of `POST /plans/check`.

    Attributes:
        reasons: Sentences: everything for which a run would be refused; empty where it
            could start.
        impossible: Whether one of the reasons stands for good, and not only for now.
        nodes: Nodes that could take part now.
        excluded: The others, each with its reason.
    """

    reasons: list[str] = Field(default_factory=list)
    impossible: bool = False
    nodes: list[AbleNode] = Field(default_factory=list)
    excluded: list[ExcludedNode] = Field(default_factory=list)


class BatchView(Message):
    """One batch of public pictures.

    Attributes:
        sha256: Its name on the batch server.
        bytes: Its size.
        train: Training pictures by class.
        validation: Validation pictures by class.
    """

    sha256: str
    bytes: int
    train: dict[str, int]
    validation: dict[str, int]


class BatchesView(Message):
    """The public pictures of a run, as they were when it was made.

    Attributes:
        url: Where they lie.
        index: SHA-256 of the index's file.
        classes: The classes that the index names.
        train: Training pictures of all batches by class.
        validation: Validation pictures of all batches by class.
    """

    run: str
    url: str
    index: str
    classes: tuple[str, ...]
    train: dict[str, int]
    validation: dict[str, int]
    batches: list[BatchView]
