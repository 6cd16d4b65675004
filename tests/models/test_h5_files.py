"""Files of weights from strangers: looked through in bounded time, before a tensor is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from federated.errors import InvalidInput, TooLarge
from models import h5_files
from models.h5_files import check_h5


def doubled(file: h5py.File) -> None:
    """Each group has two names in the one above it: sixteen groups on 2^16 paths."""
    above: h5py.Group = file
    for _ in range(16):
        group = above.create_group("x")
        above["y"] = group
        above = group


def circle(file: h5py.File) -> None:
    file.create_group("a")["root"] = file["/"]


@pytest.mark.parametrize("write", [doubled, circle])
def test_a_group_that_is_met_twice_is_refused(
    tmp_path: Path, write: Callable[[h5py.File], None]
) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        write(file)
    with pytest.raises(InvalidInput, match="a second name") as error:
        check_h5(tmp_path / "weights.h5", most_values=100)
    assert error.value.code == "invalid_weights_file"


def groups(file: h5py.File) -> None:
    for place in range(4):
        file.create_group(f"a{place}/b")


def tensors(file: h5py.File) -> None:
    for place in range(8):
        file[f"a{place}"] = np.zeros(1, np.float32)


@pytest.mark.parametrize("write", [groups, tensors])
def test_groups_count_as_tensors_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[h5py.File], None]
) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        write(file)
    monkeypatch.setattr(h5_files, "MOST_OBJECTS", 8)
    check_h5(tmp_path / "weights.h5", most_values=8)
    monkeypatch.setattr(h5_files, "MOST_OBJECTS", 7)
    with pytest.raises(TooLarge):
        check_h5(tmp_path / "weights.h5", most_values=8)


def test_more_values_than_expected_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["a"], file["b"] = np.zeros((3, 5), np.float32), np.zeros(2, np.float32)
    check_h5(tmp_path / "weights.h5", most_values=17)
    with pytest.raises(TooLarge, match="declares more"):
        check_h5(tmp_path / "weights.h5", most_values=16)


def test_what_is_no_number_of_numpys_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"bits", h5py.h5t.STD_B8LE, space)
        time = h5py.h5t.UNIX_D32LE
        h5py.h5d.create(file.id, b"time", time, space)
    with pytest.raises(InvalidInput):
        check_h5(tmp_path / "weights.h5", most_values=100)
