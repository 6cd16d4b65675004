"""`python -m imaging show`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imaging.__main__ import main
from tests.imaging.files import file_of, picture


def test_a_data_set_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, label, count in (("train", "cat", 3), ("train", "dog", 2), ("test", "cat", 1)):
        for n in range(count):
            path = tmp_path / "set" / part / label / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file_of(picture(8 + n, 9)))
    for n in range(5):
        (tmp_path / "set" / "train" / "cat" / f"note{n}.txt").write_text("x")
    (tmp_path / "set" / "train" / "dog" / ".h\x1b[31m").touch()
    assert main(["show", "--data", str(tmp_path / "set")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'set'}: class folders in a folder"
    assert lines[1:5] == [
        *("class  train  test", "cat        3     1", "dog        2     0", "all        5     1")
    ]
    assert lines[5] == "sizes: 9 × 8 to 9 × 10 pixels, mostly 9 × 8 (3 of 6)"
    assert lines[6].startswith(
        "left out: 5 × not a JPEG, PNG or DICOM picture (train/cat/note0.txt"
    )
    assert lines[6].endswith("note2.txt, …)")
    assert lines[7] == "left out: 1 × hidden (train/dog/.h [31m)"


def test_arrays_and_groups_are_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "m.npz", x=np.zeros((3, 5, 6), np.uint8), y=np.array(["a", "b", "b"]))
    assert main(["show", "--data", str(tmp_path / "m.npz")]) == 0
    assert "sizes: 6 × 5 to 6 × 5 pixels" in capsys.readouterr().out
    for n in range(4):
        (tmp_path / f"{n}.png").write_bytes(file_of(picture(8, 9, seed=n)))
    table = tmp_path / "t.csv"
    table.write_text("pic,kind,who\n0,a,x\n1,b,x\n2,a,y\n3,b,y\n")
    named = ["--image-column", "pic", "--label-column", "kind", "--group-column", "who"]
    assert main(["show", "--data", str(tmp_path), "--labels-file", "t.csv", *named]) == 0
    said = capsys.readouterr().out
    assert "groups: 2;" in said
    assert "columns: kind, pic, who" in said


def test_what_cannot_be_shown_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + b"x" * 100)
    assert main(["show", "--data", str(tmp_path / "x.zip")]) == 1
    assert capsys.readouterr().err.startswith("This ZIP archive cannot be read.")
