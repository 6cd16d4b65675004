"""Garbage collection: blobs that a state folder no longer needs."""

from __future__ import annotations

from dataclasses import dataclass

from master.store import blob_references, sketches
from serving.blobs import BlobStore
from serving.database import Database


@dataclass(frozen=True, slots=True)
class Collected:
    """What was deleted: number of blobs, and their bytes on this machine."""

    blobs: int
    nbytes: int


ORPHAN_SECONDS = 3600.0
"""Age at which a blob that no table names belongs to nobody: no write takes as long."""


def collect_garbage(
    database: Database, blobs: BlobStore, keep_rounds: int, now: float
) -> Collected:
    """Deletes the updates of old rounds, and what a crash left; global versions stay for ever.

    Sketches of runs that are over go too, but for their digests.

    Args:
        database: The master's tables.
        blobs: The master's blobs.
        keep_rounds: Rounds of each run whose updates stay.
        now: The time.
    """
    # Before the tables are read, so that what is written meanwhile is not taken for old.
    present = {sha256: (blobs.root / sha256).stat() for sha256 in blobs.names()}
    with database.read() as session:
        old = set(blob_references.old_updates(session, keep_rounds))
        named = blob_references.named(session)
    orphans = {
        sha256
        for sha256, found in present.items()
        if sha256 not in named and found.st_mtime < now - ORPHAN_SECONDS
    }
    with database.write() as session:
        sketches.forget(session)
    for sha256 in old | orphans:
        blobs.delete(sha256)
    gone = [found.st_size for sha256, found in present.items() if sha256 in old | orphans]
    return Collected(len(gone), sum(gone))
