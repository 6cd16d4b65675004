"""The tables of the master, one module a concept. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from master.store.tables.audits import AuditSeedRow, NodeRecordRow, SketchRow, StartRow
from master.store.tables.base import Base, Document
from master.store.tables.credits import LedgerRow, MeasuredCoalitionRow, RoundCreditsRow
from master.store.tables.cross_sites import CrossSiteRow, SiteEvaluationRow
from master.store.tables.journal import EventRow, LeaseRow
from master.store.tables.nodes import HoldingRow, NodeRow, ReceiptRow, TokenRow
from master.store.tables.runs import (
    AuditRow,
    EvaluationRow,
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
    "AuditSeedRow",
    "Base",
    "CrossSiteRow",
    "Document",
    "EvaluationRow",
    "EventRow",
    "HoldingRow",
    "LeaseRow",
    "LedgerRow",
    "MeasuredCoalitionRow",
    "NodeRecordRow",
    "NodeRow",
    "PictureRow",
    "ReceiptRow",
    "RoundCreditsRow",
    "RoundRow",
    "RunBatchesRow",
    "RunRow",
    "SignatureRow",
    "SiteEvaluationRow",
    "SketchRow",
    "StartRow",
    "StatisticsRow",
    "StudyRow",
    "TaskRow",
    "TokenRow",
    "UpdateRow",
    "VersionRow",
]
