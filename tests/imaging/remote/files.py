"""Files to serve, and nobody who waits."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from imaging.batch_index import BatchEntry, BatchIndex, file_name
from imaging.batch_server import Patience

AT_ONCE = Patience(pauses=(), silence_seconds=20.0)
"""One try."""

IMPATIENT = Patience(pauses=(), silence_seconds=0.2)
"""For servers that say nothing: this test waits no longer than that."""

AGAIN = Patience(pauses=(0.0, 0.0, 0.0), silence_seconds=20.0)
"""Four tries, without a pause."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes under the name of a batch; they hold no pictures, for whoever fetches reads none."""

    data: bytes
    sha256: str

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def name(self) -> str:
        return file_name(self.sha256)


def served_file(folder: Path, size: int = 900_000, seed: int = 1) -> File:
    """A file of `size` bytes in `folder`, none of whose parts is like another."""
    data = random.Random(seed).randbytes(size)
    file = File(data, hashlib.sha256(data).hexdigest())
    (folder / file.name).write_bytes(data)
    return file


def packed_set(folder: Path) -> BatchIndex:
    """Three files and the index that names them, in `folder`."""
    files = [served_file(folder, 70_000 + seed, seed) for seed in range(3)]
    entries = tuple(
        BatchEntry(
            sha256=file.sha256, bytes=file.size, train={"a": 3 + n, "b": 2}, validation={"a": 1}
        )
        for n, file in enumerate(files)
    )
    index = BatchIndex(classes=("a", "b"), batches=entries)
    (folder / "index.json").write_text(index.model_dump_json(indent=1) + "\n")
    return index
