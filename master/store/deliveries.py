"""Models on their way: which child is to be sent which, and how the last sending went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from federated.messages import StudyCounts
from federated.states import NodeState
from master.store import events, nodes, tasks, versions
from master.store.tables import HoldingRow, NodeRow, ReceiptRow, RunRow, TaskRow, VersionRow
from master.store.versions import Key

RETRY_SECONDS = 10.0

RECEIVED = "received global model"
FETCHED = 200
"""Status noted for a model that its node has fetched itself."""

MOST_MODELS = 4
"""Models told to a node at once: each comes with its signature, and the rest can wait."""


@dataclass(frozen=True, slots=True)
class Due:
    """A model that a child should have: study and version."""

    node: str
    study: str
    version: int


@dataclass(frozen=True, slots=True)
class SentModel:
    """A model as a receipt tells of it: its study, its hashes, the round that made it."""

    study: str
    key: Key
    round: int


def has(session: Session, node_id: str, study_id: str, model: Key) -> bool:
    """Whether a child holds this model, by what was heard last: its answer or its report."""
    receipt = session.get(ReceiptRow, (node_id, study_id))
    holding = session.get(HoldingRow, (node_id, study_id))
    return _holds(receipt, holding, model)


def due(session: Session, now: float, reachable_seconds: float) -> tuple[list[Due], float | None]:
    """The models to send now, and when to look again for those that went wrong."""
    found: list[Due] = []
    later: list[float] = []
    for study_id, (version_id, model) in versions.wanted_weights(session).items():
        for node, receipt, holding in _able(session, study_id, now, reachable_seconds):
            if _holds(receipt, holding, model):
                continue
            again = receipt.at + RETRY_SECONDS if receipt and not _went_well(receipt) else now
            if again > now:
                later.append(again)
            else:
                found.append(Due(node.id, study_id, version_id))
    return found, min(later, default=None)


def missing(session: Session, reports: Mapping[str, StudyCounts]) -> list[versions.Version]:
    """Models that a node should hold and, by what it reports, does not; a few at a time."""
    held = {study: (report.weights, report.frozen) for study, report in reports.items()}
    wanted = sorted(versions.wanted_weights(session).items())
    numbers = [number for study, (number, model) in wanted if held.get(study) != model]
    return [versions.get(session, number) for number in numbers[:MOST_MODELS]]


def note_reports(
    session: Session, node: NodeRow, reports: Mapping[str, StudyCounts], now: float
) -> None:
    """Notes the global models that a node reports to hold, where it has fetched them itself.

    Only those that it is to hold: what it says of others would be told again and again.
    """
    receipts = select(ReceiptRow).where(ReceiptRow.node_id == node.id)
    noted = {row.study_id: (row.weights, row.frozen) for row in session.scalars(receipts)}
    news = {
        study: (report.weights, report.frozen)
        for study, report in reports.items()
        if report.weights is not None and (report.weights, report.frozen) != noted.get(study)
    }
    wanted = versions.wanted_weights(session) if news else {}
    for study, model in news.items():
        if study not in wanted or wanted[study][1] != model:
            continue
        number = session.get_one(VersionRow, wanted[study][0]).round
        sent = SentModel(study, model, number)
        note_receipt(session, (node.id, node.name), sent, FETCHED, RECEIVED, now)


def note_receipt(
    session: Session,
    node: tuple[str, str],
    model: SentModel,
    http_status: int | None,
    detail: str,
    now: float,
) -> None:
    """Notes how sending a model to a node went.

    Args:
        session: The transaction.
        node: The node's id and name.
        model: What was sent.
        http_status: Status with which the child answered, if it did.
        detail: "received global model", or what went wrong.
        now: The time.
    """
    node_id, node_name = node
    row = session.get(ReceiptRow, (node_id, model.study))
    if row is None:
        row = ReceiptRow(node_id=node_id, study_id=model.study)
        session.add(row)
    (row.weights, row.frozen), row.round = model.key, model.round
    row.http_status, row.detail, row.at = http_status, detail, now
    data: dict[str, Any] = {
        "study": model.study,
        "weights": row.weights,
        "frozen": row.frozen,
        "round": model.round,
        "http_status": http_status,
    }
    events.record(session, now, "model_sent", f"Site {node_name}: {detail}", node=node_id, **data)


Facts = tuple[NodeRow, ReceiptRow | None, HoldingRow | None]


def _able(session: Session, study_id: str, now: float, reachable_seconds: float) -> list[Facts]:
    """The nodes that may and can be called, with what is known of their model of a study.

    Those at work on the study's model are left in peace: they get it with their next task.
    """
    at_work = (
        select(TaskRow.node_id)
        .join(RunRow, RunRow.id == TaskRow.run_id)
        .where(RunRow.study_id == study_id, RunRow.publish, TaskRow.state.in_(tasks.OPEN))
    )
    query = (
        select(NodeRow, ReceiptRow, HoldingRow)
        .outerjoin(
            ReceiptRow, (ReceiptRow.node_id == NodeRow.id) & (ReceiptRow.study_id == study_id)
        )
        .outerjoin(
            HoldingRow, (HoldingRow.node_id == NodeRow.id) & (HoldingRow.study_id == study_id)
        )
        .where(NodeRow.state == NodeState.ACTIVE, NodeRow.url.is_not(None))
        .where(NodeRow.id.not_in(at_work))
        .order_by(NodeRow.name)
    )
    return [
        (node, receipt, holding)
        for node, receipt, holding in session.execute(query)
        if nodes.is_reachable(node, now, reachable_seconds)
    ]


def _holds(receipt: ReceiptRow | None, holding: HoldingRow | None, model: Key) -> bool:
    sent = receipt is not None and (receipt.weights, receipt.frozen) == model
    if holding is None or (receipt is not None and receipt.at >= holding.reported_at):
        return sent and receipt is not None and _went_well(receipt)
    return (holding.weights, holding.frozen) == model


def _went_well(receipt: ReceiptRow) -> bool:
    return receipt.http_status is not None and 200 <= receipt.http_status < 300
