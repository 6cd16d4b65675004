"""Files on an FTP server.

The connection is ftplib's, as fsspec's is. fsspec's own reader is not used: it lists the
whole folder first, breaks a transfer off and begins another for every block, and keeps a
server's answer in memory whatever its length. Here one transfer brings the file, from the
byte that is asked for.
"""

from __future__ import annotations

import ftplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imaging.errors import BatchServerRefused, NoSuchBatch
from imaging.remote.address import Address
from imaging.remote.cut import cut_after
from imaging.remote.faults import asks_for_login, away, said
from imaging.remote.login import Login
from imaging.remote.patience import TimeLimits
from imaging.remote.stream import PIECE, Stream

MAX_LINES = 1000
"""Lines that a server may say in one conversation."""

_LOGIN = ("530", "532")
_MISSING = "550"


@contextmanager
def read(
    address: Address, name: str, start: int, limits: TimeLimits, login: Login | None
) -> Iterator[Stream]:
    """See `imaging.remote.folder.read`."""
    with _connection(address, limits, login) as ftp:
        with _told():
            begins, data = _opened(ftp, f"RETR {address.path}/{name}", start)
        with data:
            yield Stream(begins, _pieces(ftp, data))


def write(address: Address, name: str, file: Path, limits: TimeLimits, login: Login | None) -> None:
    """See `imaging.remote.folder.write`; the file appears under its name once it is whole."""
    with _connection(address, limits, login) as ftp, file.open("rb") as source, _told():
        _make_folders(ftp, address.path)
        target = f"{address.path}/{name}"
        ftp.storbinary(f"STOR {target}.part", source, PIECE)
        # Not every server renames over a file that is there.
        with suppress(ftplib.error_perm):
            ftp.delete(target)
        ftp.rename(f"{target}.part", target)


class _Conversation(ftplib.FTP):
    """A control connection on which a server may not talk for ever."""

    _lines = 0

    def getline(self) -> str:
        self._lines += 1
        if self._lines > MAX_LINES:
            raise ftplib.error_proto("too many lines")
        return super().getline()


@contextmanager
def _connection(address: Address, limits: TimeLimits, login: Login | None) -> Iterator[ftplib.FTP]:
    ftp = _Conversation(timeout=limits.silence_seconds)
    with cut_after(limits.seconds_left, lambda: ftp.sock):
        try:
            with _told():
                ftp.connect(address.host, address.port or ftplib.FTP_PORT)
                ftp.login(*((login.name, login.password) if login else ()))
                ftp.voidcmd("TYPE I")
            yield ftp
        finally:
            # No farewell: a server that does not answer would be waited for.
            ftp.close()


def _opened(ftp: ftplib.FTP, command: str, start: int) -> tuple[int, socket.socket]:
    if start:
        try:
            return start, ftp.transfercmd(command, rest=start)
        except ftplib.error_perm as error:
            # A server that cannot begin in the middle says so in one of many ways.
            if str(error)[:3] in (*_LOGIN, _MISSING):
                raise
    return 0, ftp.transfercmd(command)


def _pieces(ftp: ftplib.FTP, data: socket.socket) -> Iterator[bytes]:
    while True:
        with _told():
            piece = data.recv(PIECE)
            if not piece:
                # The end of the connection need not be that of the file.
                data.close()
                ftp.voidresp()
                return
        yield piece


def _make_folders(ftp: ftplib.FTP, path: str) -> None:
    names = path.strip("/").split("/")
    for count in range(1, len(names) + 1):
        # It is there already, or storing the file will say why not.
        with suppress(ftplib.error_perm):
            ftp.mkd("/" + "/".join(names[:count]))


@contextmanager
def _told() -> Iterator[None]:
    """Raises what goes wrong as one of our errors."""
    try:
        yield
    except ftplib.error_perm as error:
        raise _refusal(" ".join(str(error).split())) from error
    except (ftplib.Error, EOFError, OSError, ValueError) as error:
        raise away(said(error)) from error


def _refusal(answer: str) -> NoSuchBatch | BatchServerRefused:
    code = answer[:3]
    if code == _MISSING:
        return NoSuchBatch(
            "The batch server has no such file, or does not give it", received=answer
        )
    if code in _LOGIN:
        return asks_for_login(answer)
    return BatchServerRefused("The batch server refuses the transfer", received=answer)
