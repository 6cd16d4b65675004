"""Blobs: immutable files named by the SHA-256 of their bytes.

A blob is first written to the local folder (temporary file, fsync, rename), because weights
are memory-mapped from there. Where a remote store is named (any URL that fsspec writes,
`s3://` say), a blob counts as kept only once it is there too, and is fetched back when the
local folder lost it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open

from federated.errors import InvalidInput, NotFound, TooLarge, Unavailable
from federated.wire import BlobReader
from serving.blob_layout import Layout, layout_of, read_values
from serving.remote_blobs import RemoteAway, RemoteBlobs

CHUNK = 1 << 20
LARGEST = 1 << 40


class Readable(Protocol):
    """What bytes come from: a body, a file, a transfer."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Received:
    """A blob that has arrived: its name and size in bytes."""

    sha256: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A body that has arrived and is not kept yet: where it lies, and the blob that it would be."""

    path: Path
    received: Received


class BlobStore:
    """A folder of blobs, and the remote store behind it, if any.

    Args:
        root: Local folder; made if missing.
        remote: URL of a folder that fsspec writes, or None.
    """

    def __init__(self, root: Path, remote: str | None = None) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._remote = RemoteBlobs(remote) if remote else None

    def complete(self) -> int:
        """Sends to the remote store, if there is one, what lies here alone; returns how many.

        Blobs lie here alone where they were kept before there was a remote store.

        Raises:
            Unavailable: The remote store is not there, or cannot be reached.
        """
        if self._remote is None:
            return 0
        try:
            self._remote.check()
            there = self._remote.sizes()
            here = {sha256: (self.root / sha256).stat().st_size for sha256 in self.names()}
            missing = [sha256 for sha256, size in here.items() if there.get(sha256) != size]
            for sha256 in missing:
                self._remote.put(self.root / sha256, sha256)
        except RemoteAway as error:
            raise Unavailable(
                str(error), expected="that its folder, or its bucket, is there and open to us"
            ) from None
        return len(missing)

    def put(self, data: bytes) -> str:
        """Keeps `data` and returns its SHA-256.

        Raises:
            RemoteAway: The remote store did not take it; it is not kept.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            # Nobody may have named it yet: garbage collection goes by age.
            os.utime(self.root / sha256)
        except FileNotFoundError:
            self.receive(io.BytesIO(data), limit=len(data))
        return sha256

    def receive(self, stream: Readable, *, limit: int, expected: str | None = None) -> Received:
        """Keeps what a stranger sends, hashing as it comes; nothing stays of a refused body.

        Args:
            stream: The body.
            limit: Bytes above which the body is refused.
            expected: SHA-256 that the sender announced, if any.

        Raises:
            TooLarge: The body is over the limit.
            InvalidInput: The body's hash is not the announced one.
        """
        with self.drafted(stream, limit=limit, expected=expected) as draft:
            self.keep(draft)
            return draft.received

    @contextmanager
    def drafted(
        self, stream: Readable, *, limit: int, expected: str | None = None
    ) -> Iterator[Draft]:
        """What a stranger sends, to be looked at first; gone afterwards unless it was kept.

        So a body that is refused never has to be deleted by its hash, under which somebody
        else may be keeping the same bytes.

        Args:
            stream: The body.
            limit: Bytes above which the body is refused.
            expected: SHA-256 that the sender announced, if any.

        Raises:
            TooLarge: The body is over the limit.
            InvalidInput: The body's hash is not the announced one.
        """
        digest, size = hashlib.sha256(), 0
        with self._draft() as file:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise TooLarge("The body is too large", expected=f"at most {limit} bytes")
                digest.update(chunk)
                file.write(chunk)
            sha256 = digest.hexdigest()
            if expected is not None and sha256 != expected:
                raise InvalidInput(
                    "The body does not have the announced hash",
                    expected=expected,
                    received=sha256,
                    code="hash_mismatch",
                )
            file.flush()
            os.fsync(file.fileno())
            yield Draft(Path(file.name), Received(sha256, size))

    def keep(self, draft: Draft) -> None:
        """Makes a draft a blob, whole and on the disk.

        Raises:
            RemoteAway: The remote store did not take it; it is not kept.
        """
        sha256 = draft.received.sha256
        if self._remote is not None:
            self._remote.put(draft.path, sha256)
        os.replace(draft.path, self.root / sha256)

    def adopt(self, path: Path) -> Received:
        """Keeps a finished file of this machine and removes it from where it was."""
        with path.open("rb") as file:
            received = self.receive(file, limit=path.stat().st_size)
        path.unlink(missing_ok=True)
        return received

    def has(self, sha256: str) -> bool:
        """Whether the blob can be had.

        Raises:
            RemoteAway: It is not here, and for now nobody can tell whether it is there.
        """
        if (self.root / sha256).exists():
            return True
        return self._remote is not None and self._remote.has(sha256)

    def path(self, sha256: str) -> Path:
        """The blob as a local file, fetched from the remote store if need be.

        Raises:
            NotFound: There is no such blob.
            InvalidInput: What the remote store has is not the blob.
            RemoteAway: It is not here, and the remote store cannot be reached.
        """
        path = self.root / sha256
        if not path.exists():
            self._fetch(sha256)
        return path

    def names(self) -> list[str]:
        """Hashes of the blobs in the local folder, sorted."""
        return sorted(path.name for path in self.root.iterdir() if len(path.name) == 64)

    def delete(self, sha256: str) -> None:
        """Forgets a blob; one that is not there is fine.

        Raises:
            RemoteAway: The remote store cannot be reached; the blob stays.
        """
        if self._remote is not None:
            self._remote.delete(sha256)
        (self.root / sha256).unlink(missing_ok=True)

    @contextmanager
    def _draft(self) -> Iterator[IO[bytes]]:
        """A temporary file beside the blobs that is gone afterwards unless it was kept."""
        with tempfile.NamedTemporaryFile(dir=self.root, prefix="draft-", delete=False) as draft:
            try:
                yield draft
            finally:
                Path(draft.name).unlink(missing_ok=True)

    def _fetch(self, sha256: str) -> None:
        remote = self._remote
        if remote is None or not remote.has(sha256):
            raise NotFound("There is no such blob", received=sha256, code="missing_blob")
        with (
            remote.open(sha256) as body,
            self.drafted(body, limit=LARGEST, expected=sha256) as draft,
        ):
            os.replace(draft.path, self.root / sha256)


class StoredTensors:
    """A checked blob as a tensor reader that opens the file anew for everything it reads.

    So neither open files nor mapped pages add up, however many updates a round has.

    Args:
        path: A blob that `open_blob` has checked before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._layout: Layout | None = None

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return list(self._table().places)

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor, as a copy."""
        place = self._table().place(name)
        return self.get_range(name, 0, place.count).reshape(place.shape)

    def get_range(self, name: str, start: int, stop: int) -> np.ndarray:
        """A part of one tensor, laid flat, as a copy."""
        return read_values(self._path, self._table(), name, start, stop)

    def _table(self) -> Layout:
        if self._layout is None:
            self._layout = layout_of(self._path)
        return self._layout


@contextmanager
def open_blob(path: Path) -> Iterator[BlobReader]:
    """A blob as a reader of memory-mapped tensors; its header is checked on opening.

    Raises:
        InvalidInput: The file is not safetensors, or its header does not fit its size.
    """
    try:
        with safe_open(path, framework="np") as blob:
            yield blob
    except SafetensorError as error:
        raise InvalidInput(
            "The blob is not a whole safetensors file",
            expected="a header whose sizes fit the file",
            received=str(error)[:120],
            code="not_safetensors",
        ) from None
