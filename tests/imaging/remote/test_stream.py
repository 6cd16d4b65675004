"""The part of a file that is wanted, in whatever pieces the file comes."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from imaging.remote import Stream

FILE = bytes(range(200))


@given(begins=st.integers(0, 60), wait=st.integers(0, 60), length=st.integers(1, 80),
       sizes=st.lists(st.integers(1, 50), min_size=10, max_size=200))  # fmt: skip
def test_a_span_is_that_part_of_the_file(
    begins: int, wait: int, length: int, sizes: list[int]
) -> None:
    def pieces() -> Iterator[bytes]:
        at = begins
        for size in sizes:
            if at < len(FILE):
                yield FILE[at : at + size]
            at += size

    start, end = begins + wait, begins + wait + length
    reached = min(len(FILE), begins + sum(sizes))
    found = list(Stream(begins, pieces()).span(start, end))
    assert b"".join(found) == FILE[start : min(end, reached)]
    assert all(found)


def test_nothing_beyond_a_span_is_read() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"abc"
        yield b"def"
        raise AssertionError("read further than was wanted")

    assert list(Stream(10, pieces()).span(12, 16)) == [b"c", b"def"]
