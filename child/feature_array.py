"""What a frozen network made of pictures, on disk: computed once, mapped by every training.

A header of one page, then rows: a mark, and the features. A row has the number that its
picture has in the array of pixels, and counts once its mark is set, which is after its
features are on the disk. Features say as much of a picture as a small copy of it: the file is
its owner's alone, and a picture that is deleted takes its row with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from federated.errors import StorageFailure

HEADER_BYTES = 4096
NUMBER = np.dtype("<f4")
MARK = np.ones(1, NUMBER).tobytes()

Rows = npt.NDArray[np.int64]


class FeatureRows:
    """Some rows of a mapped file, as training indexes them; nothing is loaded ahead.

    Args:
        stored: float32 (rows, 1 + width), the mark first.
        rows: Which of them.
    """

    def __init__(self, stored: npt.NDArray[np.float32], rows: tuple[int, ...]) -> None:
        self._stored = stored
        self._rows = np.asarray(rows, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, width)`."""
        return len(self._rows), self._stored.shape[1] - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """`float32`."""
        return np.dtype(np.float32)

    def __getitem__(self, index: Any, /) -> Any:
        """The chosen features, read from the file now."""
        return self._stored[self._rows[index]][..., 1:]


class FeatureArray:
    """A file of features; safe for several threads and processes.

    Args:
        path: The file; made by the first `reserve`.
        width: Numbers that stand for one picture.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.width = width

    def reserve(self, rows: int) -> None:
        """Makes room for so many rows; what is no such file is begun anew.

        Raises:
            StorageFailure: The disk refused.
        """
        with _opened(self.path, os.O_RDWR | os.O_CREAT) as file:
            if os.pread(file, HEADER_BYTES, 0) != self._header:
                os.ftruncate(file, 0)
                _write(file, self._header, 0)
            size = HEADER_BYTES + rows * self._row_bytes
            if os.fstat(file).st_size < size:
                os.ftruncate(file, size)

    def missing(self, rows: Rows) -> Rows:
        """Those of `rows`, which have room, that are not computed yet; ascending, each once."""
        wanted: Rows = np.unique(rows)
        not_yet: Rows = wanted[self.open()[wanted, 0] == 0]
        return not_yet

    def put(
        self, rows: Rows, features: npt.NDArray[np.float32], is_there: Callable[[int], bool]
    ) -> None:
        """Writes features, float32 (n, width), to rows that have room.

        Args:
            rows: Where each of them goes.
            features: What stands for each picture.
            is_there: Whether the n-th of these pictures is still what it was; asked while
                nobody can erase a row, so that no deleted picture comes back.

        Raises:
            StorageFailure: The disk refused.
        """
        with _opened(self.path, os.O_RDWR) as file:
            there = [place for place in range(len(rows)) if is_there(place)]
            for place in there:
                data = features[place].astype(NUMBER).tobytes()
                _write(file, data, self._offset(int(rows[place])) + len(MARK))
            os.fsync(file)
            for place in there:
                _write(file, MARK, self._offset(int(rows[place])))

    def open(self) -> npt.NDArray[np.float32]:
        """All rows, float32 (rows, 1 + width), mapped and read-only: the mark, the features.

        A picture that was deleted meanwhile is all zeros.
        """
        rows = (self.path.stat().st_size - HEADER_BYTES) // self._row_bytes
        if rows <= 0:
            return np.empty((0, 1 + self.width), NUMBER)
        return np.memmap(self.path, NUMBER, "r", HEADER_BYTES, (rows, 1 + self.width))

    @property
    def _row_bytes(self) -> int:
        return NUMBER.itemsize * (1 + self.width)

    @property
    def _header(self) -> bytes:
        document = {"commonsight": "features", "format": 1, "width": self.width}
        return json.dumps(document).encode().ljust(HEADER_BYTES, b"\n")

    def _offset(self, row: int) -> int:
        return HEADER_BYTES + row * self._row_bytes


def erase_features(path: Path, unwanted: Callable[[Rows], Rows]) -> None:
    """Overwrites rows of a file of features with zeros; a file that is none goes as a whole.

    Args:
        path: The file; one that is not there is fine.
        unwanted: Chooses among the numbers of all rows in the file.

    Raises:
        StorageFailure: The disk refused.
    """
    array = _array_of(path)
    if array is None:
        path.unlink(missing_ok=True)
        return
    with suppress(FileNotFoundError), _opened(path, os.O_RDWR) as file:
        stored = array.open()
        for row in unwanted(np.arange(len(stored))):
            if stored[row].any():
                _write(file, bytes(array._row_bytes), array._offset(int(row)))
        os.fsync(file)


def _array_of(path: Path) -> FeatureArray | None:
    """A file of features, whose width it tells itself."""
    try:
        with path.open("rb") as file:
            width = json.loads(file.read(HEADER_BYTES))["width"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return FeatureArray(path, width) if isinstance(width, int) and width > 0 else None


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """The file, open for this thread alone."""
    try:
        file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailure(
            "The features of pictures could not be written",
            expected="room on the disk and the right to write",
            received=error.strerror or type(error).__name__,
        ) from error


def _write(file: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written
