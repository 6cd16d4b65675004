"""Reading and writing one file of a folder elsewhere, whatever kind of server has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from imaging.remote import ftp, local, s3, web
from imaging.remote.address import Address
from imaging.remote.login import Login
from imaging.remote.patience import TimeLimits
from imaging.remote.stream import Stream

_Read = Callable[[Address, str, int, TimeLimits, Login | None], AbstractContextManager[Stream]]
_Write = Callable[[Address, str, Path, TimeLimits, Login | None], None]

_READ: dict[str, _Read] = {
    "file": local.read,
    "http": web.read,
    "https": web.read,
    "ftp": ftp.read,
    "s3": s3.read,
}
_READ_WITH_KEYS = {**_READ, "s3": s3.read_with_keys}
_WRITE: dict[str, _Write] = {
    "http": web.write,
    "https": web.write,
    "ftp": ftp.write,
    "s3": s3.write,
}


@contextmanager
def read(
    address: Address,
    name: str,
    start: int,
    limits: TimeLimits,
    login: Login | None = None,
    *,
    keys: bool = False,
) -> Iterator[Stream]:
    """The file `name` from its byte `start` on, as it comes.

    Args:
        address: The folder.
        name: The file.
        start: The byte.
        limits: How long to wait.
        login: For a server that asks for one.
        keys: Whether an S3 bucket may be read with the keys of the environment.

    Raises:
        NoSuchBatch: The server has no such file.
        BatchServerAway: It cannot be reached, or broke off; taking a piece raises this too.
        BatchServerRefused: It answers with something else.
        WrongBatchUrl: This machine cannot read from there.
    """
    reader = (_READ_WITH_KEYS if keys else _READ)[address.scheme]
    with reader(address, name, start, limits, login) as stream:
        yield Stream(stream.begins, limits.timely(stream.pieces))


def write(
    address: Address, name: str, file: Path, limits: TimeLimits, login: Login | None = None
) -> None:
    """Puts a copy of `file` on the server as `name`, folders included where it makes any.

    Raises:
        BatchServerAway: It cannot be reached, or broke off.
        BatchServerRefused: It does not take the file.
        WrongBatchUrl: This machine cannot write there.
    """
    _WRITE[address.scheme](address, name, file, limits, login)
