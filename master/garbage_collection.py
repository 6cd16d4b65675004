"""Garbage collection: blobs that a state folder no longer needs."""

from __future__ import annotations

from dataclasses import dataclass

from master.store import blob_references
from serving.blobs import BlobStore
from serving.database import Database


@dataclass(frozen=True, slots=True)
class Collected:
    """What was deleted: number of blobs, and their bytes on this machine."""

    blobs: int
    nbytes: int


def collect_garbage(database: Database, blobs: BlobStore, keep_rounds: int) -> Collected:
    """Deletes the updates of old rounds; global versions stay for ever.

    Args:
        database: The master's tables.
        blobs: The master's blobs.
        keep_rounds: Rounds of each run whose updates stay.
    """
    with database.read() as session:
        old = blob_references.old_updates(session, keep_rounds)
    present = set(blobs.names())
    gone = [sha256 for sha256 in old if sha256 in present]
    nbytes = sum((blobs.root / sha256).stat().st_size for sha256 in gone)
    for sha256 in old:
        blobs.delete(sha256)
    return Collected(len(gone), nbytes)
