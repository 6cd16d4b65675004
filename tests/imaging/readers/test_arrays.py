"""Arrays: MedMNIST's layout and its relatives, from files that NumPy and Python write."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imaging.errors import RefusedPicture
from imaging.readers.array_pictures import as_pixels
from imaging.readers.bounds import BOUNDS
from imaging.readers.content import MemoryContent
from imaging.readers.dataset import open_dataset
from imaging.readers.errors import BrokenSource, OversizedSource, UnknownLayout
from imaging.readers.found import Found
from imaging.readers.stored_array import StoredArray, read_npy
from imaging.sanitise import sanitise
from imaging.source import Skipped
from tests.imaging.readers.pickles import pickled

RNG = np.random.default_rng(3)


def pictures(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def look(place: Path) -> tuple[list[Found], dict[str, str]]:
    skipped: list[Skipped] = []
    found = list(open_dataset(place).pictures(skipped.append))
    return found, {one.name: one.reason for one in skipped}


def write(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickled(value, protocol))
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_medmnist_is_read_with_its_parts(tmp_path: Path, save: Any) -> None:
    train, test = pictures(5, 9, 8, 3), pictures(3, 9, 8, 3)
    save(
        tmp_path / "m.npz",
        train_images=train,
        train_labels=np.array([[0], [2], [10], [0], [2]], np.uint8),
        val_images=pictures(2, 9, 8, 3),
        val_labels=np.array([[0], [2]]),
        test_images=test,
        test_labels=np.array([[2], [10], [0]]),
    )
    found, skipped = look(tmp_path / "m.npz")
    assert open_dataset(tmp_path / "m.npz").words == "arrays of pictures and labels in one file"
    assert [(one.label, one.part) for one in found] == [
        *((label, "train") for label in ("0", "2", "10", "0", "2")),
        *(("0", "validation"), ("2", "validation")),
        *(("2", "test"), ("10", "test"), ("0", "test")),
    ]
    # Not only in the order in which they lie.
    assert np.array_equal(sanitise(found[9].read()).pixels, test[2])
    assert np.array_equal(sanitise(found[1].read()).pixels, train[1])
    assert found[1].name == "train_images/1"
    assert len({one.stamp for one in found}) == len(found)
    assert skipped == {}


def test_an_archive_may_hold_the_arrays(tmp_path: Path) -> None:
    grey = pictures(4, 6, 5)
    inner = io.BytesIO()
    np.savez_compressed(inner, images=grey, labels=np.array(["cat", "dog", "cat", "dog"]))
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/data.npz", inner.getvalue())
        archive.writestr("set/readme", b"hello")
    found, skipped = look(tmp_path / "x.zip")
    assert [one.label for one in found] == ["cat", "dog", "cat", "dog"]
    assert np.array_equal(sanitise(found[3].read()).pixels[:, :, 1], grey[3])
    assert skipped == {"set/readme": "no file of arrays"}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_many_forms_are_read(tmp_path: Path, protocol: int) -> None:
    grey = pictures(4, 6, 5)
    forms = {
        "dictionary": {"images": grey, "labels": [0, 1, 0, 1], "class_names": ["cat", "dog"]},
        "pair": (grey, np.array(["cat", "dog", "cat", "dog"])),
        "list": [[one, label] for one, label in zip(grey, ["cat", "dog"] * 2, strict=True)],
        "one-hot": (grey, np.eye(2)[[0, 1, 0, 1]]),
        "parts": ((grey[:3], [0, 1, 0]), (grey[3:], [1])),
    }
    for name, value in forms.items():
        found, _ = look(write(tmp_path / f"{name}.p", value, protocol))
        numbered = name in ("one-hot", "parts")
        assert [one.label for one in found] == (["0", "1"] if numbered else ["cat", "dog"]) * 2
        assert np.array_equal(sanitise(found[2].read()).pixels[:, :, 0], grey[2])
        assert [one.part for one in found][3] == ("test" if name == "parts" else "")


def test_pictures_and_labels_may_lie_in_two_files(tmp_path: Path) -> None:
    grey = pictures(3, 6, 5)
    write(tmp_path / "X.pickle", grey)
    write(tmp_path / "y.pickle", [1, 0, 1])
    np.save(tmp_path / "x_test.npy", grey[:1])
    np.save(tmp_path / "y_test.npy", np.array([1]))
    found, _ = look(tmp_path)
    assert [(one.label, one.part) for one in found] == [
        *(("1", ""), ("0", ""), ("1", "")),
        ("1", "test"),
    ]


def test_rows_of_several_classes_are_left_out(tmp_path: Path) -> None:
    labels = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]])
    np.savez(tmp_path / "x.npz", images=pictures(4, 6, 5), labels=labels)
    found, skipped = look(tmp_path / "x.npz")
    assert [one.label for one in found] == ["0", "2"]
    assert skipped == dict.fromkeys(("images/1", "images/2"), "is not of exactly one class")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[True, False]]), [255, 0]),
        (np.array([[0.0, 0.5, 1.0]]), [0, 128, 255]),
        (np.array([[0.0, 127.6, 255.0]], np.float32), [0, 128, 255]),
        (np.array([[0, 1000, 4095]], np.uint16), [0, 62, 255]),
        (np.array([[0, 16_000, 65_535]], np.int64), [0, 62, 255]),
        (np.array([[0, 7, 255]], ">i4"), [0, 7, 255]),
        (np.array([[[1, 2, 3]]], np.uint8), [[1, 2, 3]]),
        (np.repeat(np.uint8([[[1]], [[2]], [[3]]]), 5, 2), [[1, 2, 3]] * 5),
        (np.array([[[9, 8, 7, 255]]], np.uint8), [[9, 8, 7]]),
        (np.array([[[9]]], np.uint8), [9]),
    ],
)
def test_values_of_every_kind_become_pixels(
    values: np.ndarray, expected: list[Any], tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", images=values[np.newaxis], labels=np.array(["cat"]))
    pixels = sanitise(look(tmp_path / "x.npz")[0][0].read()).pixels[0]
    assert (pixels if isinstance(expected[0], list) else pixels[:, 0]).tolist() == expected


def test_fractions_are_of_one_scale_in_all_pictures(tmp_path: Path) -> None:
    dark = np.array([[[0.0, 1.0]], [[0.0, 255.0]]])
    np.savez(tmp_path / "x.npz", x=dark, y=[1, 1])
    first = look(tmp_path / "x.npz")[0][0]
    assert sanitise(first.read()).pixels[0, :, 0].tolist() == [0, 1]


@pytest.mark.parametrize("worst", [-0.1, 256.0, float("nan"), float("inf")])
def test_values_that_are_no_pixels_are_refused(tmp_path: Path, worst: float) -> None:
    np.savez(tmp_path / "x.npz", x=np.array([[[0.0, worst]]]), y=[1])
    with pytest.raises(BrokenSource, match="no pictures"):
        look(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "values",
    [np.zeros((5, 3, 7)), np.array([[-1]]), np.array([[70_000]]), np.zeros((0, 4)), np.zeros(3)],
)
def test_one_picture_that_is_none_is_refused_alone(values: np.ndarray) -> None:
    with pytest.raises(RefusedPicture):
        as_pixels(values, 0 if values.dtype.kind == "i" else 1)


@pytest.mark.parametrize(
    "arrays",
    [
        {"train_images": pictures(3, 4, 4)},
        {"train_images": pictures(3, 4, 4), "test_labels": np.zeros(3)},
        {"features": pictures(3, 4, 4), "labels": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_pair_are_named(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UnknownLayout, match=next(iter(arrays))):
        open_dataset(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": pictures(3, 4, 4), "labels": np.zeros(2)},
        {"images": pictures(3, 16), "labels": np.zeros(3)},
        {"images": pictures(3, 4, 4, 4, 4), "labels": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(BrokenSource):
        open_dataset(tmp_path / "x.npz")


def test_arrays_of_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.array([{}, []], object), labels=np.zeros(2))
    with pytest.raises(BrokenSource, match="kind that is not read"):
        open_dataset(tmp_path / "x.npz")


def npy(shape: str, dtype: str = "|u1", data: bytes = b"") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    "data",
    [
        npy("(1000000, 1000000, 1000000)"),
        npy("(-1,)"),
        npy("(" + ("9" * 600 + ", ") * 8 + ")"),
        npy("(4,)", data=b"xyz"),
        npy("(99999999, 0)"),
        npy("(3,)", "|O", b"x" * 24),
        npy("(1,)", "<U9999", b"x" * 39996),
        npy("__import__('os').getcwd()"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535,
        npy("(1,").replace(b"}", b" "),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
)
def test_a_header_that_lies_costs_nothing(data: bytes) -> None:
    with pytest.raises(BrokenSource):
        read_npy(MemoryContent(data))


def test_what_does_not_fit_into_memory_is_read_row_by_row() -> None:
    values = pictures(50, 40, 40)
    whole = io.BytesIO()
    np.save(whole, values)
    stored = read_npy(MemoryContent(whole.getvalue()), replace(BOUNDS, in_memory=2000))
    assert np.array_equal(stored.row(49), values[49])
    with pytest.raises(OversizedSource):
        stored.load()
    np.save(whole := io.BytesIO(), np.asfortranarray(values))
    columns = read_npy(MemoryContent(whole.getvalue()))
    assert np.array_equal(columns.row(7), values[7])
    assert np.array_equal(np.concatenate(list(stored_chunks(values))), values)


def stored_chunks(values: np.ndarray) -> list[np.ndarray]:
    content = MemoryContent(values.tobytes())
    return list(StoredArray(values.dtype, values.shape, content).chunks())
