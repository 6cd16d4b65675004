"""Batches on this site's disk: files by hash, under a limit; those used longest ago go first.

A file that is still being fetched ends in `.part`, and is gone on with after a restart. The
training thread alone changes this folder, so that no file goes while a task is using it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from federated.errors import StorageFailure, TooLarge
from federated.messages import AssignedBatch
from imaging.batch_index import file_name

PART = ".part"
PART_SECONDS = 7 * 86_400.0
"""How long a transfer that broke off waits to be gone on with."""

SPARE_BYTES = 64 * 2**20
"""Room that batches leave on the disk: a database that finds none can note nothing."""


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder."""
    return shutil.disk_usage(folder).free


class BatchCache:
    """The folder of batches.

    Args:
        root: The folder.
        limit: Bytes of all files together.
        now: The clock, seconds since the epoch.
        free: Room on the disk of a folder, in bytes.
    """

    def __init__(
        self,
        root: Path,
        limit: int,
        now: Callable[[], float],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._root = root
        self._limit = limit
        self._now = now
        self._free = free

    def path(self, batch: AssignedBatch) -> Path:
        """Where a batch lies once it is here."""
        return self._root / file_name(batch.sha256)

    def holds(self, batch: AssignedBatch) -> bool:
        """Whether a batch is here, whole."""
        return _size(self.path(batch)) == batch.bytes

    def used(self, batch: AssignedBatch) -> None:
        """Notes that a batch is used now."""
        os.utime(self.path(batch), (self._now(), self._now()))

    def make_room(self, batch: AssignedBatch) -> None:
        """Removes what was used longest ago, until a batch finds room.

        Raises:
            TooLarge: The batch alone is above the limit.
            StorageFailure: The disk is full of other things.
        """
        if batch.bytes > self._limit:
            raise TooLarge(
                "The batch is larger than all that this site keeps of batches; its operator can "
                "raise --batch-cache-mb",
                expected=f"at most {self._limit} bytes",
                received=batch.bytes,
                code="batch_cache_too_small",
            )
        part = self._part(batch)
        missing = batch.bytes - (_size(part) or 0)
        self._shrink(self._limit - batch.bytes, missing + SPARE_BYTES, spared=part)

    def discard(self, batch: AssignedBatch) -> None:
        """Forgets a batch, whole or in part; one that is not here is fine."""
        for path in (self.path(batch), self._part(batch)):
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Removes transfers that nobody went on with, and what is above the limit."""
        for path in self._root.glob(f"*{PART}"):
            if self._now() - path.stat().st_mtime > PART_SECONDS:
                path.unlink()
        self._shrink(self._limit)

    def _shrink(self, limit: int, room: int = 0, spared: Path | None = None) -> None:
        """Removes files until the others are within `limit` and the disk has `room` bytes."""
        files = {path: path.stat() for path in self._root.iterdir() if path != spared}
        total, free = sum(status.st_size for status in files.values()), self._free(self._root)
        if free + total < room:
            raise StorageFailure(
                "There is no room for the batch on this site's disk",
                expected=f"{room} bytes",
                received=f"{free}, and {total} of other batches",
            )
        surplus = max(total - limit, room - free)
        for path in sorted(files, key=lambda path: files[path].st_mtime):
            if surplus <= 0:
                return
            path.unlink()
            surplus -= files[path].st_size

    def _part(self, batch: AssignedBatch) -> Path:
        return self.path(batch).with_name(file_name(batch.sha256) + PART)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
