"""The master itself, as an operator sees it: health, disk, settings in force, log."""

from __future__ import annotations

from pydantic import Field

from federated.values import Message


class DiskView(Message):
    """The disk that the state folder lies on, in bytes.

    Attributes:
        blobs: Of weights and updates.
        blob_count: How many files those are.
        database: Of the database's files; None where it is a server of its own.
    """

    total: int
    free: int
    blobs: int
    blob_count: int
    database: int | None = None


class WorkerView(Message):
    """The process that holds TensorFlow.

    Attributes:
        alive: Whether it runs; it starts again by itself when there is something to do.
    """

    alive: bool


class SystemView(Message):
    """Answer of `GET /system`; nothing in it is secret.

    Attributes:
        versions: Of Commonsight, Python and the libraries that figures depend on.
        database: Kind and version: `SQLite 3.45`.
        remote_blobs: Where blobs are kept besides, without any key; None for nowhere else.
        settings: The settings in force, by option.
        waiting_polls: Sites that wait for work.
        states: For nodes, runs, rounds and tasks how many are in each state.
        log: The newest lines of the master's log, oldest first.
    """

    started_at: float
    now: float
    versions: dict[str, str] = Field(default_factory=dict)
    database: str
    remote_blobs: str | None = None
    disk: DiskView
    worker: WorkerView
    settings: dict[str, str] = Field(default_factory=dict)
    waiting_polls: int = 0
    states: dict[str, dict[str, int]] = Field(default_factory=dict)
    log: list[str] = Field(default_factory=list)
