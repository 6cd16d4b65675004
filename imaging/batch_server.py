"""A batch server: an address below which lie batches, named by hash, and their index.

It may be any folder that can be read: on this machine, over HTTP, FTP or S3. It needs to be
trusted with nothing: bytes are counted as they come and count only once their hash is the
one that was named. Imports no picture code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from federated.errors import StorageFailure
from imaging.batch_index import INDEX, MAX_INDEX_BYTES, BatchIndex, file_name, parse_index
from imaging.errors import BatchServerAway, BatchServerRefused, BrokenBatch, NoSuchBatch
from imaging.new_folder import check_empty, new_folder
from imaging.remote import Address, Patience, TimeLimits, own_login, read, write

__all__ = [
    "INDEX_PATIENCE",
    "PATIENCE",
    "Patience",
    "check_unused",
    "fetch",
    "publish",
    "read_index",
]

OnBytes = Callable[[int], None]

PATIENCE = Patience()
"""For a batch."""

INDEX_PATIENCE = Patience(silence_seconds=10.0, total_seconds=60.0, pauses=())
"""For an index, which somebody waits for."""


def _ignore(nbytes: int) -> None:
    """The `on_bytes` of someone who does not want to know."""


def read_index(
    url: str, *, patience: Patience = INDEX_PATIENCE, keys: bool = False
) -> tuple[BatchIndex, str]:
    """The index of the batches at `url`, and the SHA-256 of its bytes.

    Args:
        url: The batch server.
        patience: How long to wait and how often to try.
        keys: Whether an S3 bucket may be read with the keys of the environment; only where
            whoever owns them has named the address.

    Raises:
        WrongBatchUrl: `url` is none, or of a kind that this machine cannot read.
        NoSuchBatch: There is no index.
        BatchServerAway: The server cannot be reached, or is too slow.
        BatchServerRefused: It answers with something else.
        BrokenBatch: The index makes no sense, or is larger than `MAX_INDEX_BYTES`.
    """
    address = Address.parse(url)
    data = patience.persist(lambda limits: _index_bytes(address, limits, keys))
    return parse_index(data), hashlib.sha256(data).hexdigest()


def fetch(
    url: str,
    sha256: str,
    nbytes: int,
    to: Path,
    *,
    on_bytes: OnBytes = _ignore,
    patience: Patience = PATIENCE,
    keys: bool = False,
) -> None:
    """Brings the batch of that name from `url` to the file `to`; it appears there whole.

    The bytes are kept in `to` with `.part` at its end while they come, and a later call,
    or the next try of this one, goes on where they end. One caller at a time for one `to`.

    Args:
        url: The batch server.
        sha256: The batch's name.
        nbytes: Its size.
        to: Where to; in a folder that is there.
        on_bytes: Told how many bytes are here, first of all those that an earlier call
            left. What it raises ends the call; the bytes stay.
        patience: How long to wait and how often to try.
        keys: As for `read_index`.

    Raises:
        WrongBatchUrl: `url` is none, or of a kind that this machine cannot read.
        NoSuchBatch: The server has no such file.
        BatchServerAway: It cannot be reached, is too slow, or broke off; the bytes stay.
        BatchServerRefused: It answers with something else.
        BrokenBatch: It sends other bytes; none of them stays.
        StorageFailure: The disk refused.
    """
    address, part = Address.parse(url), to.with_name(f"{to.name}.part")

    def attempt(limits: TimeLimits) -> None:
        with _disk():
            found = _found(part, nbytes)
        on_bytes(found)
        if found < nbytes:
            with read(address, file_name(sha256), found, limits, keys=keys) as stream:
                _append(part, stream.span(found, nbytes), on_bytes)
        with _disk():
            _check(part, sha256, nbytes, resumed=found > 0)

    patience.persist(attempt)
    with _disk():
        part.replace(to)


def check_unused(url: str) -> None:
    """Refuses an address at which there are batches already, for somebody may rely on them.

    Raises:
        StorageFailure: It is a folder that is not empty.
        BatchServerRefused: It has an index, or does not say.
        BatchServerAway, WrongBatchUrl: As for `read_index`.
    """
    address = Address.parse(url)
    if address.folder is not None:
        return check_empty(address.folder)

    def attempt(limits: TimeLimits) -> bool:
        login = own_login(address.host)
        with suppress(NoSuchBatch), read(address, INDEX, 0, limits, login, keys=True):
            return True
        return False

    if INDEX_PATIENCE.persist(attempt):
        raise BatchServerRefused(
            "There are batches at this address already",
            expected="an address of its own for every set of batches",
        )


def publish(
    folder: Path, url: str, *, on_bytes: OnBytes = _ignore, patience: Patience = PATIENCE
) -> None:
    """Copies the batches in `folder` to `url`, the index last: nobody reads of what lacks.

    A server that asks for a login gets the one that `~/.netrc` has for it, and an S3 bucket
    the keys of the environment.

    Args:
        folder: Batches and their index.
        url: Where to, a place without batches.
        on_bytes: Told how many bytes are there.
        patience: How long to wait and how often to try, for each file.

    Raises:
        StorageFailure: `folder` cannot be read, or the target is a folder that is not empty.
        BrokenBatch: The index makes no sense.
        BatchServerAway, BatchServerRefused, WrongBatchUrl: As for `check_unused`.
    """
    check_unused(url)
    address, sent = Address.parse(url), 0
    with _disk():
        index = parse_index((folder / INDEX).read_bytes())
    with _target(address, patience) as put:
        for name in (*(file_name(entry.sha256) for entry in index.batches), INDEX):
            with _disk():
                size = (folder / name).stat().st_size
            put(folder / name)
            sent += size
            on_bytes(sent)


@contextmanager
def _target(address: Address, patience: Patience) -> Iterator[Callable[[Path], None]]:
    """What puts a file to `address`."""
    if address.folder is not None:
        with new_folder(address.folder) as unfinished:
            yield lambda file: _copy(file, unfinished)
        return
    login = own_login(address.host)
    yield lambda file: patience.persist(
        lambda limits: write(address, file.name, file, limits, login)
    )


def _copy(file: Path, folder: Path) -> None:
    shutil.copyfile(file, folder / file.name)


def _index_bytes(address: Address, limits: TimeLimits, keys: bool) -> bytes:
    data = bytearray()
    with read(address, INDEX, 0, limits, keys=keys) as stream:
        for piece in stream.pieces:
            data += piece
            if len(data) > MAX_INDEX_BYTES:
                raise BrokenBatch(
                    "The index of batches is too large",
                    expected=f"at most {MAX_INDEX_BYTES} bytes",
                    received="more",
                )
    return bytes(data)


def _found(part: Path, nbytes: int) -> int:
    """Bytes that an earlier call left; none where there are more than there should be."""
    size = part.stat().st_size if part.exists() else 0
    if size <= nbytes:
        return size
    part.unlink()
    return 0


def _append(part: Path, pieces: Iterator[bytes], on_bytes: OnBytes) -> None:
    """Writes `pieces` behind what is in `part`; on return, or on a break, they are on the disk."""
    with _open(part) as file:
        for piece in pieces:
            with _disk():
                file.write(piece)
            on_bytes(file.tell())


@contextmanager
def _open(part: Path) -> Iterator[IO[bytes]]:
    with _disk():
        file = part.open("ab")
    try:
        yield file
    finally:
        with _disk(), file:
            file.flush()
            os.fsync(file.fileno())


def _check(part: Path, sha256: str, nbytes: int, *, resumed: bool) -> None:
    """Refuses what is not the batch; other bytes than its own do not stay."""
    size = part.stat().st_size
    if size < nbytes:
        raise BatchServerAway(
            "The batch server stopped before the end of the batch",
            expected=f"{nbytes} bytes",
            received=size,
        )
    with part.open("rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received == sha256:
        return
    part.unlink()
    if resumed:
        # Perhaps it was not the server: a crash can leave a file whose end was never written.
        raise BatchServerAway(
            "The batch that was begun earlier cannot be completed", expected="a fresh beginning"
        )
    raise BrokenBatch(
        "The batch server sent other bytes than those that were named",
        expected=sha256,
        received=received,
    )


@contextmanager
def _disk() -> Iterator[None]:
    """Raises what our own disk refuses as one of our errors."""
    try:
        yield
    except OSError as error:
        raise StorageFailure(
            "The batch could not be kept, or read from its folder",
            expected="room on the disk and the right to write",
            received=error.strerror or type(error).__name__,
        ) from error
