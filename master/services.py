"""What every part of a master works with, made once by `master.server`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from federated.states import NodeState
from master.child_client import Child, ChildClient
from master.evaluation import Evaluator
from master.metrics import Metrics
from master.polls import PollBoard
from master.presence import Presence
from master.search.asked import Proposed
from master.settings import Settings
from master.state_folder import StateFolder
from master.store.tables import NodeRow
from master.wakeup import Wakeup
from serving.blobs import BlobStore
from serving.database import Database
from serving.failpoints import Failpoint, no_failpoint
from serving.recent_log import RecentLog
from serving.tokens import read_secret


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one master.

    Attributes:
        settings: What the operator decided.
        state: Where what the master owns lies.
        database: The master's tables.
        blobs: Weights and updates.
        evaluator: What needs TensorFlow.
        children: Calls to the children.
        wakeup: Notified whenever the coordinator may have something to do.
        polls: Nodes that wait for work.
        presence: Hears of every call of a node.
        metrics: Figures for Prometheus.
        now: The time in seconds since the epoch.
        new_id: A new id of 12 hexadecimal digits.
        proposed: Hyperparameters that were worked out for work about to be handed out.
        failpoint: Called at the places where tests kill a master; does nothing by default.
        started_at: When this master was put together.
        log: The newest lines of the process's log.
    """

    settings: Settings
    state: StateFolder
    database: Database
    blobs: BlobStore
    evaluator: Evaluator
    children: ChildClient
    wakeup: Wakeup
    polls: PollBoard
    presence: Presence
    metrics: Metrics
    now: Callable[[], float]
    new_id: Callable[[], str]
    proposed: Proposed = field(default_factory=Proposed)
    failpoint: Failpoint = no_failpoint
    started_at: float = 0.0
    log: RecentLog = field(default_factory=RecentLog)

    def child(self, session: Session, node_id: str) -> Child | None:
        """A node as it is called; None unless an operator approved it and it can be called."""
        row = session.get_one(NodeRow, node_id)
        token = read_secret(self.state.push_token(node_id))
        if row.state != NodeState.ACTIVE or row.url is None or token is None:
            return None
        return Child(id=row.id, name=row.name, url=row.url, token=token)
