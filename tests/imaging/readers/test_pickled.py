"""Pickles: every array that NumPy writes is read, and nothing else is."""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.readers.bounds import BOUNDS
from imaging.readers.errors import BrokenSource, OversizedSource
from imaging.readers.pickled import settled
from imaging.readers.stored_array import StoredArray
from tests.imaging.readers.pickles import pickled, read

ARRAYS = [
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    np.arange(4000, dtype=np.uint16).reshape(40, 100),
    np.asfortranarray(np.arange(12, dtype=">i4").reshape(3, 4)),
    np.linspace(0, 1, 7, dtype=np.float32),
    np.array([True, False]),
    np.array(["cat", "dog", "c\u00e9dric"]),
    np.array([b"cat", b"mouse"]),
    np.zeros((0, 5), np.uint8),
    np.frombuffer(b"abcdef", np.uint8),
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_an_array_comes_back_as_it_was(array: np.ndarray, protocol: int) -> None:
    stored = read(pickled(array, protocol))
    assert isinstance(stored, StoredArray)
    assert stored.dtype == array.dtype
    assert np.array_equal(stored.load(), array)


def test_names_of_the_first_numpy_are_known_too() -> None:
    # The same pickle, as NumPy 1 and Python 2 would have named the parts.
    old = pickled(ARRAYS[0], 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core" in old
    assert np.array_equal(read(old).load(), ARRAYS[0])


def test_a_pickle_of_python_2_is_read() -> None:
    # NumPy 1.16 on Python 2.7, protocol 2: np.array([[1, 2], [3, 4]], np.uint8), its bytes a str.
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03"
        b"U\x01bq\x04\x87q\x05Rq\x06(K\x01K\x02K\x02\x86q\x07cnumpy\ndtype\nq\x08U\x02u1q\tK\x00"
        b"K\x01\x87q\nRq\x0b(K\x03U\x01|q\x0cNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\rb\x89"
        b"U\x04\x01\x02\x03\x04q\x0etq\x0fb."
    )
    assert read(data).load().tolist() == [[1, 2], [3, 4]]


def test_rows_are_read_without_the_whole_in_memory() -> None:
    images = np.arange(600 * 8 * 9, dtype=np.uint16).reshape(600, 8, 9)
    bounds = replace(BOUNDS, in_memory=10_000)
    stored = read(pickled((images, [1, 2]), 5), bounds)[0].array()
    assert np.array_equal(stored.row(599), images[599])
    with pytest.raises(OversizedSource):
        stored.load()


def test_plain_values_and_arrays_in_them_are_read() -> None:
    value = {
        "images": [np.ones((2, 3), np.uint8), np.zeros((4, 5), np.uint8)],
        b"labels": (1, -70_000, 2**70, 0.5, None, True, "x" * 300, b"y" * 5000, []),
        7: np.float64(0.25),
    }
    for protocol in (2, 3, 4, 5):
        back = read(pickled(value, protocol))
        assert [settled(one).shape for one in back["images"]] == [(2, 3), (4, 5)]
        assert back[b"labels"][:7] == value[b"labels"][:7]
        assert back[7] == 0.25


def test_an_array_of_objects_is_a_list() -> None:
    mixed = np.empty(2, object)
    mixed[:] = [np.ones((2, 3), np.uint8), "cat"]
    back = read(pickled(mixed))
    assert settled(back[0]).load().tolist() == [[1, 1, 1], [1, 1, 1]]
    assert back[1] == "cat"


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.witness}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_command_is_not_run(tmp_path: Path, protocol: int) -> None:
    witness = tmp_path / "witness"
    data = pickled([ARRAYS[0], Hostile(witness)], protocol)
    with pytest.raises(BrokenSource):
        read(data)
    assert not witness.exists()


@pytest.mark.parametrize(
    "value",
    [OrderedDict(a=1), {1, 2}, np.random.default_rng, Path("x"), 1j, np.dtype([("a", "u1")]), len],
    # Of a function, its text would be another one in each process.
    ids=["dictionary", "set", "function of NumPy", "path", "complex", "record type", "function"],
)
def test_anything_but_arrays_is_refused(value: object) -> None:
    with pytest.raises(BrokenSource):
        read(pickled(value))


@pytest.mark.parametrize("dtype", ["datetime64[s]", "c16", [("a", "u1"), ("b", "f4")], "V8", "f2"])
def test_arrays_of_other_kinds_are_refused_or_kept(dtype: object) -> None:
    data = pickled(np.zeros(3, dtype))  # type: ignore[call-overload]
    if dtype == "f2":
        assert read(data).dtype == np.float16
    else:
        with pytest.raises(BrokenSource):
            read(data)


@pytest.mark.parametrize(
    "data",
    [
        # A byte array, a text, a memo place and a number that are said to be enormous.
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"x.",
        b"\x80\x04B" + struct.pack("<I", 2**31) + b"x.",
        b"\x80\x04\x8b" + struct.pack("<I", 2**31 - 1) + b"x.",
        b"\x80\x02Nj" + struct.pack("<I", 2**31 - 1) + b".",
    ],
)
def test_a_length_that_is_not_there_costs_nothing(data: bytes) -> None:
    with pytest.raises(BrokenSource):
        read(data)


def test_a_far_place_in_the_memo_costs_nothing() -> None:
    assert read(b"\x80\x02Nr" + struct.pack("<I", 2**32 - 1) + b".") is None


def test_a_shape_that_does_not_fit_the_bytes_is_refused() -> None:
    for shape in ((2, 3, 5), (-2, -3, 4), (2**62, 2**62, 24), (24, 0), (2, 3, 4, 1, 1, 1, 1, 1, 1)):
        numbers = (one.to_bytes(9, "little", signed=True) for one in shape)
        other = b"(" + b"".join(b"\x8a\x09" + number for number in numbers) + b"t"
        made = pickled(ARRAYS[0], 2)
        data = made.replace(b"K\x02K\x03K\x04\x87", other)
        assert data != made
        with pytest.raises(BrokenSource):
            read(data)


DOUBLED = b")q\x000" + b"h\x00h\x00\x86q\x000" * 20
"""A tuple that holds another twice, and so on: a million to whoever walks through them.

Ten letters more make it a thousand times as many, so it is what is told that is tested here.
"""


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (b"h\x00\x8c\x01x\x93.", "Received a name that is no text"),
        (b"\x8c\x01xh\x00\x93.", "Received a name that is no text"),
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\ntR"
            b"(K\x01h\x00cnumpy\ndtype\n(\x8c\x02u1tR\x89C\x00tb.",
            "Received something else",
        ),
    ],
    ids=["as a module", "as a name", "as a shape"],
)
def test_tuples_in_tuples_are_not_walked_through(
    program: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BrokenSource, match="more than 8 deep"):
        read(b"\x80\x04" + DOUBLED + program)
    monkeypatch.setattr("imaging.readers.pickled.MAX_DEPTH", 100)
    with pytest.raises(BrokenSource, match=reason):
        read(b"\x80\x04" + DOUBLED + program)


def test_tuples_as_deep_as_data_sets_have_them_are_read() -> None:
    value = (((1, 2), "a", ((3,), [(4, 5)])), (((((6,),),),),))
    for protocol in (2, 4):
        assert read(pickled(value, protocol)) == value
    with pytest.raises(BrokenSource, match="more than 8 deep"):
        read(b"\x80\x02N" + b"\x85" * 9 + b".")
    assert read(b"\x80\x02N" + b"\x85" * 8 + b".") == ((((((((None,),),),),),),),)


@pytest.mark.parametrize(
    "length", [b"\x88", b"]", b"(K\x02t", b"N", b"\x8a\x09" + b"\xff" * 8 + b"\0"]
)
def test_a_shape_is_a_row_of_whole_numbers(length: bytes) -> None:
    whole = pickled(np.zeros((3, 2), np.uint8), 2)
    data = whole.replace(b"K\x03K\x02\x86", b"K\x03" + length + b"\x86")
    assert data != whole
    with pytest.raises(BrokenSource, match=r"no possible shape.*Received something else"):
        read(data)


def test_a_dtype_cannot_be_made_of_objects_from_bytes() -> None:
    # NumPy itself would take the flags of a state, and the bytes for addresses.
    text = pickled(np.zeros(8, np.uint8), 2)
    with pytest.raises(BrokenSource):
        read(text.replace(b"X\x02\x00\x00\x00u1", b"X\x02\x00\x00\x00O8"))


def test_too_long_a_program_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imaging.readers.pickled.MAX_STEPS", 1000)
    with pytest.raises(OversizedSource, match="too long"):
        read(b"\x80\x02" + b"N0" * 1000 + b"N.")


def test_texts_are_bounded() -> None:
    with pytest.raises(OversizedSource):
        read(pickled(["x" * 600, "y" * 600]), replace(BOUNDS, in_memory=1000))


def again(module: str, name: str, arguments: bytes) -> bytes:
    """A pickle of a list of twenty answers of one function, each for six bytes of the file."""
    named = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    kept = named + b"\x93q\x010" + arguments + b"\x86q\x020"
    return b"\x80\x04" + kept + b"]" + b"h\x01h\x02Ra" * 20 + b"."


TEXT_TO_BYTES = again("_codecs", "encode", b"X\xe8\x03\0\0" + b"x" * 1000 + b"\x8c\x06latin1")
BYTES_TO_TEXT = again(
    "numpy._core.multiarray",
    "scalar",
    b"cnumpy\ndtype\n\x8c\x04U250\x85RB\xe8\x03\0\0" + b"x\0\0\0" * 250,
)


@pytest.mark.parametrize("program", [TEXT_TO_BYTES, BYTES_TO_TEXT], ids=["bytes", "text"])
def test_what_is_made_of_a_few_bytes_again_and_again_is_bounded(program: bytes) -> None:
    assert len(program) < 1300
    assert [len(one) for one in read(program)] in ([1000] * 20, [250] * 20)
    with pytest.raises(OversizedSource, match="in memory"):
        read(program, replace(BOUNDS, in_memory=20_000 - 1))


@settings(max_examples=150)
@given(st.data())
def test_damage_is_an_error_of_ours(data: st.DataObject) -> None:
    whole = pickled({"x": [ARRAYS[0], ARRAYS[5]], "y": (1, "b", np.float32(2))}, 4)
    changed = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BrokenSource):
        read(bytes(changed))
