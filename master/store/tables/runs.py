"""Runs and their rounds: tasks, updates, audits, evaluations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from master.store.tables.base import Base, BigKey, Document


class RunRow(Base):
    """A run.

    `version_id` is its latest global model; `waiting_since` is when it began to wait for
    sites. `publish` is the plan's: whether the study's current model follows the run.
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
    publish: Mapped[bool] = mapped_column(default=True, server_default=true())


class RunBatchesRow(Base):
    """The index of the public pictures that a run trains on, as it was when the run was made.

    `sha256` is that of the bytes of `index.json`, so that a child can read the same one.
    """

    __tablename__ = "run_batches"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    document: Mapped[Document]


class RoundRow(Base):
    """A round of a run.

    `quorum` is the number of accepted updates that it needs, `target` the number with which
    it closes at once; `extended` tells that its deadline has been moved, which happens once.
    """

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
    quorum: Mapped[int] = mapped_column(server_default="1")
    target: Mapped[int] = mapped_column(server_default="1")
    extended: Mapped[bool] = mapped_column(default=False, server_default=false())


class TaskRow(Base):
    """A task of a round; a second attempt at the same work is a task of its own.

    `slot` names that work: a node's own pictures, a batch, a random set. `base_id` and
    `base_round` are what it starts from. `counted_in` is the round that took its update: in
    an asynchronous run a later one than `round`, for which it was made. `announced` is the
    largest number of pictures that its update may claim. `leased_at` is when its node first
    took it, `lost_at` when that node fell silent, until it is heard of again. `hyperparameters`
    are what it is trained with in place of the plan's, where the plan searches.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "round"], ["rounds.run_id", "rounds.number"]),
        Index("tasks_of_round", "run_id", "round"),
        Index("tasks_counted", "run_id", "counted_in"),
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
    slot: Mapped[str] = mapped_column(server_default="")
    batch_bytes: Mapped[int | None]
    # Never empty, but SQLite adds a column with a foreign key only where it may be.
    base_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), nullable=True)
    counted_in: Mapped[int | None]
    leased_at: Mapped[float | None]
    lost_at: Mapped[float | None]
    hyperparameters: Mapped[Document | None] = mapped_column(JSON(none_as_null=True))


class UpdateRow(Base):
    """What a node delivered for a task.

    `code` and `detail` are the refusal of an update whose content was wrong; `document` is
    empty where not even the metadata could be read. `counts` are the pictures by class that its
    node had announced when it came, of which it is judged; empty where it trained on public ones.
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
    counts: Mapped[Document | None] = mapped_column(JSON(none_as_null=True))


class AuditRow(Base):
    """A verdict on an update, with its reasons and the figures that were measured.

    `unchecked` are those of the reasons that say what could not be checked; `close` is whether
    it was looked at closely, which the node's standing decides, and what was seen speaks for it.
    """

    __tablename__ = "audits"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[Any]]
    measured: Mapped[Document]
    at: Mapped[float]
    unchecked: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    close: Mapped[bool] = mapped_column(default=True, server_default=true())


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
