"""Nodes as people see them, with everything that other tables know of them."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.states import NodeState
from federated.views import NodeView, ReceivedModel
from master.audit.standing import Record
from master.store import ledger, node_records, nodes
from master.store.tables import HoldingRow, NodeRow, ReceiptRow


def node_views(session: Session, now: float, reachable_seconds: float) -> list[NodeView]:
    """All nodes, in order of name."""
    held: dict[str, dict[str, HoldingRow]] = defaultdict(dict)
    for holding in session.scalars(select(HoldingRow)):
        held[holding.node_id][holding.study_id] = holding
    received: dict[str, dict[str, ReceivedModel]] = defaultdict(dict)
    for receipt in session.scalars(select(ReceiptRow)):
        received[receipt.node_id][receipt.study_id] = _received(receipt)
    credits = ledger.by_node(session)
    records = defaultdict(Record, node_records.of_all(session))
    return [
        NodeView(
            id=row.id,
            name=row.name,
            state=NodeState(row.state),
            url=row.url,
            mode="push" if row.url else "pull",
            version=row.version,
            joined_at=row.joined_at,
            last_seen=row.last_seen,
            reachable=nodes.is_reachable(row, now, reachable_seconds),
            activity=row.activity,
            studies={study: holding.counts for study, holding in held[row.id].items()},
            new_labelled={study: item.new_labelled for study, item in held[row.id].items()},
            received=received[row.id],
            examples_per_second=row.examples_per_second,
            credits=credits.get(row.id, 0.0),
            standing=node_records.standing(records[row.id], row),
            good_results=records[row.id].good,
            standing_reason=records[row.id].reason,
        )
        for row in session.scalars(select(NodeRow).order_by(NodeRow.name))
    ]


def node_view(session: Session, node_id: str, now: float, reachable_seconds: float) -> NodeView:
    """One node.

    Raises:
        NotFound: There is none.
    """
    nodes.get(session, node_id)
    views = node_views(session, now, reachable_seconds)
    return next(view for view in views if view.id == node_id)


def _received(row: ReceiptRow) -> ReceivedModel:
    return ReceivedModel(
        study=row.study_id,
        weights=row.weights,
        round=row.round,
        http_status=row.http_status,
        detail=row.detail,
        at=row.at,
    )
