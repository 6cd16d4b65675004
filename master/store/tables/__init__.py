"""The tables of the master, one module a concept. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from master.store.tables.base import Base, Document
from master.store.tables.cross_sites import CrossSiteRow, SiteEvaluationRow
from master.store.tables.journal import EventRow, LeaseRow
from master.store.tables.nodes import HoldingRow, NodeRow, ReceiptRow, TokenRow
from master.store.tables.runs import (
    AuditRow,
    EvaluationRow,
    LedgerRow,
    RoundRow,
    RunBatchesRow,
    RunRow,
    TaskRow,
    UpdateRow,
)
from master.store.tables.studies import (
    PictureRow,
    SignatureRow,
    StatisticsRow,
    StudyRow,
    VersionRow,
)

__all__ = [
    "AuditRow",
    "Base",
    "CrossSiteRow",
    "Document",
    "EvaluationRow",
    "EventRow",
    "HoldingRow",
    "LeaseRow",
    "LedgerRow",
    "NodeRow",
    "PictureRow",
    "ReceiptRow",
    "RoundRow",
    "RunBatchesRow",
    "RunRow",
    "SignatureRow",
    "SiteEvaluationRow",
    "StatisticsRow",
    "StudyRow",
    "TaskRow",
    "TokenRow",
    "UpdateRow",
    "VersionRow",
]
