"""Files in a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imaging.errors import BatchServerRefused, NoSuchBatch
from imaging.remote.address import Address
from imaging.remote.faults import away, said
from imaging.remote.login import Login
from imaging.remote.patience import TimeLimits
from imaging.remote.stream import PIECE, Stream, pieces_of


@contextmanager
def read(
    address: Address, name: str, start: int, limits: TimeLimits, login: Login | None
) -> Iterator[Stream]:
    """See `imaging.remote.folder.read`."""
    path = Path(address.path, name)
    with _told():
        # What is no plain file, a pipe say, could be waited for without an end.
        if not path.is_file():
            raise NoSuchBatch("The folder of batches has no such file", expected=name)
        file = path.open("rb")
    with file:
        with _told():
            file.seek(start)
        yield Stream(start, pieces_of(file.read, PIECE, _told))


@contextmanager
def _told() -> Iterator[None]:
    """Raises what goes wrong as one of our errors."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchBatch("The folder of batches has no such file") from error
    except PermissionError as error:
        raise BatchServerRefused(
            "The folder of batches may not be read", expected="the right to read it"
        ) from error
    except OSError as error:
        raise away(said(error)) from error
