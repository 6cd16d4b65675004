"""Which child is to be sent which model now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.states import NodeState
from master.store import nodes, studies, versions
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
    sent = receipt is not None and receipt.weights == weights and _went_well(receipt)
    if holding is None or (receipt is not None and receipt.at >= holding.reported_at):
        return sent
    return holding.weights == weights


def due(session: Session, now: float, reachable_seconds: float) -> tuple[list[Due], float | None]:
    """The models to send now, and when to look again for those that went wrong."""
    found: list[Due] = []
    later: list[float] = []
    rows = list(session.scalars(select(NodeRow).where(NodeRow.state == NodeState.ACTIVE)))
    able = [row for row in rows if row.url and nodes.is_reachable(row, now, reachable_seconds)]
    for study_id in studies.ids(session):
        version_id = versions.wanted(session, study_id)
        weights = session.get_one(VersionRow, version_id).weights if version_id else None
        if version_id is None or weights is None:
            continue
        for row in able:
            if has(session, row.id, study_id, weights):
                continue
            receipt = session.get(ReceiptRow, (row.id, study_id))
            again = receipt.at + RETRY_SECONDS if receipt and not _went_well(receipt) else now
            if again > now:
                later.append(again)
            else:
                found.append(Due(row.id, study_id, version_id))
    return found, min(later, default=None)


def _went_well(receipt: ReceiptRow) -> bool:
    return receipt.http_status is not None and 200 <= receipt.http_status < 300
