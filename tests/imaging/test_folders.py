"""What the reader of class folders finds and what it leaves out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imaging.errors import NoPictures
from imaging.folders import read_class_folders
from imaging.sanitise import DEFAULT_LIMITS, sanitise
from imaging.source import Skipped, SourcePicture
from tests.imaging.files import file_of, picture

DATA = Path(__file__).parents[3] / "shared" / "data"


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_of(picture(), "JPEG"))


def test_pictures_come_by_class_and_name(tmp_path: Path) -> None:
    fill(tmp_path, "nevus/b.jpg", "melanoma/c.jpg", "nevus/a.jpg")
    found = list(read_class_folders(tmp_path))
    assert [(picture.label, picture.path.name) for picture in found] == [
        ("melanoma", "c.jpg"),
        ("nevus", "a.jpg"),
        ("nevus", "b.jpg"),
    ]
    source: SourcePicture = found[0]
    assert source.name == "melanoma/c.jpg"
    assert sanitise(source.read()).width == 40


def test_a_label_is_composed_where_the_folder_is_not(tmp_path: Path) -> None:
    fill(tmp_path, "me\u0301lanome/1.jpg", "母斑/2.jpg")
    found = list(read_class_folders(tmp_path))
    assert [picture.label for picture in found] == ["m\u00e9lanome", "母斑"]
    assert all(sanitise(picture.read()).width == 40 for picture in found)


def test_what_is_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    root = tmp_path / "set"
    fill(root, "cat/1.jpg", "cat/.hidden.jpg", ".git/x.jpg", "cat/deep/2.jpg", "readme.jpg")
    fill(root, "-odd/1.jpg")
    fill(tmp_path, "secret/private.jpg")
    (root / "cat" / "notes.jpg").write_text("not a picture")
    (root / "cat" / "out.jpg").symlink_to(tmp_path / "secret" / "private.jpg")
    (root / "cat" / "in.jpg").symlink_to(root / "cat" / "1.jpg")
    (root / "cat" / "loop.jpg").symlink_to(root / "cat" / "loop.jpg")
    (root / "dog").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "cat" / "pipe.jpg")
    skipped: list[Skipped] = []
    found = [picture.name for picture in read_class_folders(root, skipped.append)]
    assert found == ["cat/1.jpg", "cat/in.jpg"]
    reasons = {entry.name: entry.reason for entry in skipped}
    assert reasons.pop("cat/loop.jpg") in {"not a file", "a link that leads out of the data set"}
    assert reasons == {
        "-odd": "the folder's name cannot be a label",
        ".git": "hidden",
        "cat/.hidden.jpg": "hidden",
        "cat/deep": "a folder in a class folder",
        "cat/notes.jpg": "not a JPEG, PNG or DICOM picture",
        "cat/out.jpg": "a link that leads out of the data set",
        "cat/pipe.jpg": "not a file",
        "dog": "a link that leads out of the data set",
        "readme.jpg": "not in a class folder",
    }


def test_content_counts_and_not_the_extension(tmp_path: Path) -> None:
    fill(tmp_path, "cat/1.bin")
    assert [picture.name for picture in read_class_folders(tmp_path)] == ["cat/1.bin"]


def test_a_huge_file_is_read_only_until_it_is_too_large(tmp_path: Path) -> None:
    fill(tmp_path, "cat/1.jpg")
    with (tmp_path / "cat" / "1.jpg").open("ab") as file:
        file.truncate(5 * 2**30)
    (found,) = read_class_folders(tmp_path)
    assert len(found.read()) == DEFAULT_LIMITS.max_bytes + 1


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(NoPictures, match="FOLDER/CLASS"):
        list(read_class_folders(tmp_path))
    with pytest.raises(NoPictures, match="no such folder"):
        list(read_class_folders(tmp_path / "missing"))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not on this machine")
def test_real_pictures_are_read_and_pass_the_border() -> None:
    found = list(read_class_folders(DATA / "skin_binary" / "test"))
    assert len(found) == 414
    assert {picture.label for picture in found} == {"benign", "malignant"}
    kept = [sanitise(picture.read()) for picture in found[::40]]
    assert min(min(picture.width, picture.height) for picture in kept) == 128
