"""The one folder that a child owns: where what lies, and that two servers never share it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from federated.errors import Conflict


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Places in a child's state folder."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite database, where no other database is named."""
        return self.root / "child.sqlite"

    @property
    def blobs(self) -> Path:
        """Weights and updates, by hash."""
        return self.root / "blobs"

    @property
    def pictures(self) -> Path:
        """A folder for each study: pictures and the array of their pixels."""
        return self.root / "pictures"

    @property
    def drafts(self) -> Path:
        """Updates that the trainer is writing; whatever lies here at start is of no use."""
        return self.root / "drafts"

    @property
    def secrets(self) -> Path:
        """What this child must present, readable by its owner alone."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """What the worker processes print."""
        return self.root / "logs"

    def make(self) -> None:
        """Makes the folder, closed to other users of the machine, and clears old drafts."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(self.root, 0o700)
        for folder in (self.blobs, self.pictures, self.drafts, self.secrets, self.logs):
            folder.mkdir(exist_ok=True, mode=0o700)


@contextmanager
def only_server(folder: StateFolder) -> Iterator[None]:
    """Holds the folder for this process; the lock ends with the process, however it ends.

    Raises:
        Conflict: Another server works on the folder.
    """
    with _lock_file(folder, "lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                "Another child already runs on this state folder",
                expected="a folder of its own for each child; choose one with --state",
                received=str(folder.root),
                code="state_in_use",
            ) from None
        yield


@contextmanager
def one_at_a_time(folder: StateFolder) -> Iterator[None]:
    """Waits until no other process brings the folder's tables up to date."""
    with _lock_file(folder, "migration.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _lock_file(folder: StateFolder, name: str) -> Iterator[int]:
    handle = os.open(folder.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
