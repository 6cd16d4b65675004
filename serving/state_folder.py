"""The one folder that a server owns: closed to others, and never shared by two servers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federated.errors import Conflict
from serving.database import Database, sqlite_url


def make_private(folder: Path) -> None:
    """Makes a folder, closed to other users of the machine."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)


@contextmanager
def only_server(folder: Path, server: str) -> Iterator[None]:
    """Holds a state folder for this process; the lock ends with the process, however it ends.

    Args:
        folder: The state folder.
        server: What kind of server this is, for the sentence.

    Raises:
        Conflict: Another server works on the folder.
    """
    make_private(folder)
    with _lock_file(folder / "lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another {server} is using this state folder",
                expected=f"a folder of its own for each {server}; choose one with --state",
                received=str(folder),
                code="state_in_use",
            ) from None
        yield


def open_database(path: Path, url: str | None, migrations: Path) -> Database:
    """A server's database, its tables brought up to date by one process at a time.

    Args:
        path: The SQLite file in the state folder.
        url: SQLAlchemy URL of another database, if any.
        migrations: The server's Alembic migrations.
    """
    with _lock_file(path.with_name("migration.lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return Database(url or sqlite_url(path), migrations)


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
