"""Models on their way: which child is to be sent which, and how the last sending went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.states import NodeState
from master.store import events, nodes, studies, versions
from master.store.tables import HoldingRow, NodeRow, ReceiptRow, VersionRow

RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Due:
    """A model that a child should have: study and version."""

    node: str
    study: str
    version: int


def has(session: Session, node_id: str, study_id: str, weights: str) -> bool:
    """Whether a child holds these weights, by what was heard last: its answer or its report."""
    receipt = session.get(ReceiptRow, (node_id, study_id))
    holding = session.get(HoldingRow, (node_id, study_id))
    return _holds(receipt, holding, weights)


def due(session: Session, now: float, reachable_seconds: float) -> tuple[list[Due], float | None]:
    """The models to send now, and when to look again for those that went wrong."""
    found: list[Due] = []
    later: list[float] = []
    for study_id in studies.ids(session):
        version_id = versions.wanted(session, study_id)
        if version_id is None:
            continue
        weights = session.get_one(VersionRow, version_id).weights
        for node, receipt, holding in _able(session, study_id, now, reachable_seconds):
            if _holds(receipt, holding, weights):
                continue
            again = receipt.at + RETRY_SECONDS if receipt and not _went_well(receipt) else now
            if again > now:
                later.append(again)
            else:
                found.append(Due(node.id, study_id, version_id))
    return found, min(later, default=None)


def note_receipt(
    session: Session,
    node: tuple[str, str],
    model: tuple[str, str, int],
    http_status: int | None,
    detail: str,
    now: float,
) -> None:
    """Notes how sending a model to a node went.

    Args:
        session: The transaction.
        node: The node's id and name.
        model: Study, weights and round of the model.
        http_status: Status with which the child answered, if it did.
        detail: "received global model", or what went wrong.
        now: The time.
    """
    (node_id, node_name), (study_id, weights, number) = node, model
    row = session.get(ReceiptRow, (node_id, study_id))
    if row is None:
        row = ReceiptRow(node_id=node_id, study_id=study_id)
        session.add(row)
    row.weights, row.round, row.http_status = weights, number, http_status
    row.detail, row.at = detail, now
    data: dict[str, Any] = {
        "study": study_id,
        "weights": weights,
        "round": number,
        "http_status": http_status,
    }
    events.record(session, now, "model_sent", f"Site {node_name}: {detail}", node=node_id, **data)


Facts = tuple[NodeRow, ReceiptRow | None, HoldingRow | None]


def _able(session: Session, study_id: str, now: float, reachable_seconds: float) -> list[Facts]:
    """The nodes that may and can be called, with what is known of their model of a study."""
    query = (
        select(NodeRow, ReceiptRow, HoldingRow)
        .outerjoin(
            ReceiptRow, (ReceiptRow.node_id == NodeRow.id) & (ReceiptRow.study_id == study_id)
        )
        .outerjoin(
            HoldingRow, (HoldingRow.node_id == NodeRow.id) & (HoldingRow.study_id == study_id)
        )
        .where(NodeRow.state == NodeState.ACTIVE, NodeRow.url.is_not(None))
    )
    return [
        (node, receipt, holding)
        for node, receipt, holding in session.execute(query)
        if nodes.is_reachable(node, now, reachable_seconds)
    ]


def _holds(receipt: ReceiptRow | None, holding: HoldingRow | None, weights: str) -> bool:
    sent = receipt is not None and receipt.weights == weights and _went_well(receipt)
    if holding is None or (receipt is not None and receipt.at >= holding.reported_at):
        return sent
    return holding.weights == weights


def _went_well(receipt: ReceiptRow) -> bool:
    return receipt.http_status is not None and 200 <= receipt.http_status < 300
