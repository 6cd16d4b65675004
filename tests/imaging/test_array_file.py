"""The array file: growing, mapping, crashing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federated.errors import StorageFailure
from imaging.array_file import HEADER_BYTES, PixelArray
from imaging.errors import WrongArrayFile, WrongPixels

SHAPE = (5, 4, 3)
ROOT = Path(__file__).parents[2]


def row(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def test_rows_come_back_where_they_were_put(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.put(0, row(7))
    array.put(2, row(9))
    mapped = array.open()
    assert mapped.shape == (3, *SHAPE)
    assert mapped[:, 0, 0, 0].tolist() == [7, 0, 9]
    assert isinstance(mapped, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1


def test_appended_rows_follow_the_last(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    assert array.append(np.stack([row(1), row(2)])) == range(2)
    assert array.append(np.stack([row(3)])) == range(2, 3)
    assert array.append(np.empty((0, *SHAPE), np.uint8)) == range(3, 3)
    assert array.open()[:, 4, 3, 2].tolist() == [1, 2, 3]


@settings(max_examples=50)
@given(puts=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 255)), min_size=1))
def test_the_last_pixels_put_into_a_row_are_in_it(puts: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        array = PixelArray(Path(folder) / "a", SHAPE)
        expected = np.zeros((max(at for at, _ in puts) + 1, *SHAPE), np.uint8)
        for at, value in puts:
            array.put(at, row(value))
            expected[at] = value
        assert np.array_equal(array.open(), expected)


def test_an_empty_file_and_none_have_no_rows(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    assert len(array) == 0
    assert array.open().shape == (0, *SHAPE)
    (tmp_path / "a").write_bytes(b"{")
    assert array.open().shape == (0, *SHAPE)
    array.put(0, row(4))
    assert array.open()[0].max() == 4


def test_a_map_stays_good_while_the_file_grows(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.put(0, row(7))
    mapped = array.open()
    array.append(np.stack([row(8)] * 1000))
    assert len(mapped) == 1
    assert mapped[0].min() == 7
    assert len(array) == 1001


def test_the_database_says_how_many_rows_count(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.append(np.stack([row(1), row(2), row(3)]))
    assert len(array.open(rows=2)) == 2
    with pytest.raises(WrongArrayFile, match="4 rows"):
        array.open(rows=4)


def test_half_a_row_at_the_end_does_not_count_and_is_overwritten(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.append(np.stack([row(1), row(2)]))
    with (tmp_path / "a").open("r+b") as file:
        file.truncate(HEADER_BYTES + 60 + 33)
    assert len(array) == len(array.open()) == 1
    assert array.append(row(5)[None]) == range(1, 2)
    assert array.open()[:, 0, 0, 0].tolist() == [1, 5]


def test_an_erased_picture_is_gone_from_the_disk(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.append(np.stack([row(11), row(22), row(33)]))
    array.erase(1)
    array.erase(99)
    assert bytes([22] * 4) not in (tmp_path / "a").read_bytes()
    assert array.open()[:, 0, 0, 0].tolist() == [11, 0, 33]


def test_a_file_of_another_shape_is_refused_and_left_alone(tmp_path: Path) -> None:
    PixelArray(tmp_path / "a", SHAPE).put(0, row(1))
    before = (tmp_path / "a").read_bytes()
    other = PixelArray(tmp_path / "a", (4, 5, 3))
    with pytest.raises(WrongArrayFile, match=r"\(4, 5, 3\)"):
        other.open()
    with pytest.raises(WrongArrayFile):
        other.put(0, np.zeros((4, 5, 3), np.uint8))
    assert (tmp_path / "a").read_bytes() == before


def test_pixels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    for pixels in (np.zeros((4, 5, 3), np.uint8), np.zeros(SHAPE, np.int16)):
        with pytest.raises(WrongPixels):
            array.put(0, pixels)
    with pytest.raises(WrongPixels):
        array.put(-1, row(1))
    assert not (tmp_path / "a").exists()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    PixelArray(tmp_path / "a", SHAPE).put(0, row(1))
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0


def test_a_full_disk_is_told_and_the_row_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = PixelArray(tmp_path / "a", SHAPE)
    array.put(0, row(1))
    write = os.pwrite

    def full(file: int, data: memoryview, offset: int) -> int:
        if len(data) > 30:
            return write(file, data[:30], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StorageFailure, match="No space left"):
        array.put(1, row(2))
    assert len(array) == 1
    monkeypatch.undo()
    array.put(1, row(3))
    assert array.open()[1].min() == 3


def test_a_hundred_thousand_rows_are_not_loaded(tmp_path: Path) -> None:
    array = PixelArray(tmp_path / "a", (96, 96, 3))
    array.put(99_999, np.full((96, 96, 3), 200, np.uint8))
    mapped = array.open()
    assert mapped.shape == (100_000, 96, 96, 3)
    assert mapped[99_999, 50, 50, 1] == 200
    # 2.8 GB by its size; on the disk, the one row that was written.
    assert (tmp_path / "a").stat().st_blocks * 512 < 2**20


def test_readers_see_whole_rows_only_while_threads_write(tmp_path: Path) -> None:
    shape = (64, 64, 3)
    array = PixelArray(tmp_path / "a", shape)
    known: list[int] = []
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            rows = list(known)
            if rows:
                mapped = array.open(max(rows) + 1)
                wrong.extend(r for r in rows if np.unique(mapped[r]).tolist() != [r % 255 + 1])

    def write(start: int) -> None:
        for r in range(start, 120, 2):
            array.put(r, np.full(shape, r % 255 + 1, np.uint8))
            known.append(r)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(start,)) for start in (0, 1)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert wrong == []
    assert sorted(known) == list(range(120))


WRITER = """
import sys, numpy as np
from pathlib import Path
from imaging.array_file import PixelArray
array = PixelArray(Path(sys.argv[1]), (200, 200, 3))
for row in range(10**6):
    array.put(row, np.full((200, 200, 3), row % 255 + 1, np.uint8))
    print(row, flush=True)
"""


def test_a_killed_writer_leaves_every_row_that_it_reported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if int(line) == 25:
                os.kill(writer.pid, signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
    last = max([25, *map(int, rest)])
    array = PixelArray(tmp_path / "a", (200, 200, 3))
    mapped = array.open(rows=last + 1)
    assert [np.unique(mapped[row]).tolist() for row in range(last + 1)] == [
        [row % 255 + 1] for row in range(last + 1)
    ]
    assert array.append(np.full((1, 200, 200, 3), 99, np.uint8)).start in (last + 1, last + 2)
