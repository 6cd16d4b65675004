"""The demo study's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from federated.errors import StorageFailure
from imaging.errors import WrongPixels
from imaging.folders import read_class_folders
from imaging.labels import label_from_name
from imaging.sanitise import sanitise
from imaging.synthetic import CLASSES, DemoSize, write_demo_set

SMALL = DemoSize(train=7, audit=2, test=4, size=32)


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_parts_have_their_classes_in_equal_numbers(tmp_path: Path) -> None:
    write_demo_set(tmp_path / "demo", np.random.default_rng(1), SMALL)
    counts = {
        part: [
            sum(found.label == name for found in read_class_folders(tmp_path / "demo" / part))
            for name in CLASSES
        ]
        for part in ("train", "audit", "test")
    }
    assert counts == {"train": [4, 3], "audit": [1, 1], "test": [2, 2]}


def test_no_two_pictures_are_the_same_and_names_state_the_label(tmp_path: Path) -> None:
    write_demo_set(tmp_path / "demo", np.random.default_rng(1), SMALL)
    hashes = set()
    for part in ("train", "audit", "test"):
        for found in read_class_folders(tmp_path / "demo" / part):
            hashes.add(sanitise(found.read()).sha256)
            assert label_from_name(found.path.name, CLASSES).label == found.label
    assert len(hashes) == 13


def test_more_pictures_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    write_demo_set(tmp_path / "few", np.random.default_rng(1), SMALL)
    more = DemoSize(train=9, audit=2, test=4, size=32)
    write_demo_set(tmp_path / "more", np.random.default_rng(1), more)
    few, many = files(tmp_path / "few"), files(tmp_path / "more")
    assert len(many) == len(few) + 2
    assert all(many[name] == data for name, data in few.items())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageFailure, match="not empty"):
        write_demo_set(tmp_path, np.random.default_rng(1), SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_set_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_set(tmp_path / "demo", np.random.default_rng(1), SMALL, stop)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "demo").mkdir()
    write_demo_set(tmp_path / "demo", np.random.default_rng(1), SMALL)
    assert len(files(tmp_path / "demo")) == 13


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongPixels):
        write_demo_set(tmp_path / "demo", np.random.default_rng(1), DemoSize(train=-1))
