"""The tables of the master. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Document = dict[str, Any]

# SQLite numbers rows by itself only where the key is a plain INTEGER.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        Document: JSON,
        list[Any]: JSON,
        int: BigInteger,
        str: Text,
    }


class TokenRow(Base):
    """A token that this server verifies: only its hash is kept."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    node_id: Mapped[str | None] = mapped_column(ForeignKey("nodes.id"))
    approve: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    used_at: Mapped[float | None]


class NodeRow(Base):
    """A child. `failed_at` is when a call to it last failed, cleared by one that did not."""

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    url: Mapped[str | None]
    version: Mapped[str] = mapped_column(String(40), default="unknown")
    activity: Mapped[str] = mapped_column(String(16), default="idle")
    joined_at: Mapped[float]
    last_seen: Mapped[float | None]
    failed_at: Mapped[float | None]


class HoldingRow(Base):
    """What a node says that it holds of a study.

    `offered` is the part of `new_labelled` for which a standing run has opened a round
    already: a round that failed is not opened again for the same pictures.
    """

    __tablename__ = "holdings"

    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    counts: Mapped[Document]
    new_labelled: Mapped[int] = mapped_column(default=0)
    offered: Mapped[int] = mapped_column(default=0)
    weights: Mapped[str | None] = mapped_column(String(64))
    reported_at: Mapped[float]


class ReceiptRow(Base):
    """The last global model of a study that was sent to a node, and how that went."""

    __tablename__ = "receipts"

    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    weights: Mapped[str] = mapped_column(String(64))
    round: Mapped[int]
    http_status: Mapped[int | None]
    detail: Mapped[str]
    at: Mapped[float]


class StudyRow(Base):
    """A study; `version_id` names its current global model.

    No foreign key there: versions name their study, and a circle of keys could not be
    created in one go.
    """

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]
    plan: Mapped[Document]
    created_at: Mapped[float]
    version_id: Mapped[int | None]
    problem: Mapped[str | None]


class SignatureRow(Base):
    """A signature, kept once however many versions have it."""

    __tablename__ = "signatures"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]


class VersionRow(Base):
    """One version of a global model; `run_id` is empty for an initial model."""

    __tablename__ = "versions"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    run_id: Mapped[str | None] = mapped_column(String(64))
    round: Mapped[int]
    plan: Mapped[Document]
    weights: Mapped[str] = mapped_column(String(64), index=True)
    signature: Mapped[str] = mapped_column(ForeignKey("signatures.sha256"))
    strategy_state: Mapped[str | None] = mapped_column(String(64))
    parameters: Mapped[int]
    nbytes: Mapped[int]
    created_at: Mapped[float]


class RunRow(Base):
    """A run.

    `version_id` is its latest global model; `waiting_since` is when it began to wait for
    sites.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    plan: Mapped[Document]
    plan_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None]
    round: Mapped[int] = mapped_column(default=0)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    created_at: Mapped[float]
    finished_at: Mapped[float | None]
    waiting_since: Mapped[float | None]


class RoundRow(Base):
    """A round of a run."""

    __tablename__ = "rounds"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None]
    opened_at: Mapped[float]
    closed_at: Mapped[float | None]
    deadline_at: Mapped[float]
    before_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    excluded: Mapped[list[Any]]


class TaskRow(Base):
    """A task of a round; a second attempt at the same work is a task of its own.

    `announced` is how many labelled pictures the node had when the task was made.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
        Index("tasks_of_round", "run_id", "round"),
        Index("tasks_of_node", "node_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))
    round: Mapped[int]
    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"))
    kind: Mapped[str] = mapped_column(String(16), default="train")
    batch: Mapped[str | None] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(default=1)
    base_round: Mapped[int]
    weights: Mapped[str] = mapped_column(String(64))
    seed: Mapped[int]
    announced: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None]
    progress: Mapped[Document | None]
    lease_until: Mapped[float]
    created_at: Mapped[float]
    changed_at: Mapped[float]


class UpdateRow(Base):
    """What a node delivered for a task.

    `code` and `detail` are the refusal of an update whose content was wrong; `document` is
    empty where not even the metadata could be read.
    """

    __tablename__ = "updates"

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    nbytes: Mapped[int]
    document: Mapped[Document | None]
    received_at: Mapped[float]
    late: Mapped[bool] = mapped_column(default=False)
    code: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None]
    share: Mapped[float | None]


class AuditRow(Base):
    """A verdict on an update, with its reasons and the figures that were measured."""

    __tablename__ = "audits"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[Any]]
    measured: Mapped[Document]
    at: Mapped[float]


class LedgerRow(Base):
    """One entry of the append-only ledger; `amount` in thousandths of a credit."""

    __tablename__ = "ledger"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    entry: Mapped[str] = mapped_column(String(32))
    at: Mapped[float]
    node_id: Mapped[str] = mapped_column(ForeignKey("nodes.id"), index=True)
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id"), index=True)
    round: Mapped[int | None]
    task_id: Mapped[str | None] = mapped_column(ForeignKey("tasks.id"))
    amount: Mapped[int]
    policy: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str]


class EvaluationRow(Base):
    """The evaluation of a version on one part of the master's pictures, due or done."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("version_id", "part"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    part: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    report: Mapped[Document | None]
    note: Mapped[str | None]
    at: Mapped[float]


class StatisticsRow(Base):
    """Statistics of a blob of weights, once computed."""

    __tablename__ = "weight_statistics"

    weights: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[Document]


class EventRow(Base):
    """Something that happened, as a sentence, with the facts beside it."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    at: Mapped[float]
    run_id: Mapped[str | None] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    text: Mapped[str]
    data: Mapped[Document]


class PictureRow(Base):
    """One of the master's own public pictures; `row` is its place in the array file."""

    __tablename__ = "pictures"
    __table_args__ = (UniqueConstraint("study_id", "row"),)

    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(64))
    row: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    added_at: Mapped[float]


class LeaseRow(Base):
    """Who may move states, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[float]
