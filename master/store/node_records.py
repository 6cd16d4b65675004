"""What is remembered of nodes' results, and how closely they are looked at for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.plan import AuditPolicy
from federated.states import NodeStanding, NodeState
from master.audit.standing import Record, after_bad, after_good, standing_of
from master.store import events
from master.store.tables import NodeRecordRow, NodeRow

STANDING_WORDS = {
    NodeStanding.TRUSTED: "{site} is trusted: {good} good results in a row",
    NodeStanding.WATCHED: "{site} is watched: every result is looked at closely for a while",
}


def of_node(session: Session, node_id: str) -> Record:
    """The record of a node; an empty one where nothing is known."""
    row = session.get(NodeRecordRow, node_id)
    return Record() if row is None else Record(row.good, row.reason)


def of_all(session: Session) -> dict[str, Record]:
    """The records of all nodes that have one."""
    rows = session.scalars(select(NodeRecordRow))
    return {row.node_id: Record(row.good, row.reason) for row in rows}


def good(session: Session, node_id: str, trusted_after: int, now: float) -> None:
    """Notes a result that was looked at closely and is good."""
    _keep(session, node_id, after_good(of_node(session, node_id), trusted_after), now)
    if of_node(session, node_id).good == trusted_after:
        _tell(session, node_id, NodeStanding.TRUSTED, now, good=trusted_after)


def bad(session: Session, node_id: str, reason: str, now: float) -> None:
    """Notes a bad result: the row starts over."""
    before = of_node(session, node_id)
    _keep(session, node_id, after_bad(reason), now)
    if before.reason is None:
        _tell(session, node_id, NodeStanding.WATCHED, now, reason=reason)


def standing(record: Record, node: NodeRow) -> NodeStanding:
    """The word for a node's record, as plans have it that do not say otherwise."""
    return standing_of(record, NodeState(node.state), AuditPolicy().trusted_after)


def _keep(session: Session, node_id: str, record: Record, now: float) -> None:
    row = session.get(NodeRecordRow, node_id)
    if row is None:
        row = NodeRecordRow(node_id=node_id, good=0, reason=None, at=now)
        session.add(row)
    row.good, row.reason, row.at = record.good, record.reason, now
    session.flush()


def _tell(session: Session, node_id: str, standing: NodeStanding, now: float, **facts: Any) -> None:
    site = session.get_one(NodeRow, node_id).name
    text = STANDING_WORDS[standing].format(site=site, **facts)
    data = {"node": node_id, "standing": str(standing), **facts}
    events.record(session, now, f"node_{standing}", text, **data)
