"""What the operator decides about one master."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.database import sqlite_url

READY_MADE_PLANS = Path(__file__).resolve().parent.parent / "plans"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one master; each is an option of its command line.

    Attributes:
        state: Folder of everything that the master owns.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        database: SQLAlchemy URL; by default a SQLite file under `state`.
        remote_blobs: URL of a folder that keeps the blobs beyond this machine, if any.
        plans: Folder of the ready-made plans.
        lease_seconds: Silence after which a task counts as lost.
        heartbeat_seconds: How often nodes are asked to call.
        handover_seconds: Longest time that handing a task over may take.
        site_wait_seconds: How long a run waits for sites before its next round fails.
        keep_rounds: Rounds of each run whose updates `gc` keeps.
        threads: Threads of the evaluation process; 0 takes all cores.
        allow_plain_http: Whether nodes off this machine may have plain HTTP addresses.
        behind_proxy: Whether a proxy in front ends TLS.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8501
    database: str | None = None
    remote_blobs: str | None = None
    plans: Path = READY_MADE_PLANS
    lease_seconds: float = 60.0
    heartbeat_seconds: float = 5.0
    handover_seconds: float = 300.0
    site_wait_seconds: float = 30.0
    keep_rounds: int = 10
    threads: int = 0
    allow_plain_http: bool = False
    behind_proxy: bool = False

    @property
    def database_url(self) -> str:
        """URL of the database."""
        return self.database or sqlite_url(self.state / "master.sqlite")

    @property
    def reachable_seconds(self) -> float:
        """Silence after which a node no longer counts as reachable."""
        return 4 * self.heartbeat_seconds
