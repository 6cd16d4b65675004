"""The folder of everything that a master owns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federated.errors import Conflict
from master.settings import Settings
from master.store import MIGRATIONS
from serving.blobs import BlobStore
from serving.database import Database


def open_state(settings: Settings) -> tuple[Database, BlobStore]:
    """The tables and the blobs of a state folder, made if missing."""
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.state.chmod(0o700)
    database = Database(settings.database_url, MIGRATIONS)
    return database, BlobStore(settings.state / "blobs", settings.remote_blobs)


@contextmanager
def only_server(state: Path) -> Iterator[None]:
    """Keeps a second server off a state folder.

    Raises:
        Conflict: Another server is on it.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Conflict(
            "Another master is using this state folder",
            expected="a folder of its own, or that the other one is stopped",
            received=str(state),
            code="state_in_use",
        ) from None
    try:
        yield
    finally:
        os.close(handle)
