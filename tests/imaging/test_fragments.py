"""Fragments of large pictures: where they lie, what they are called, where they stay."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.__main__ import main
from imaging.errors import NoPictures, WrongPixels
from imaging.fragments import fragments_of, starts, write_fragments
from imaging.readers.dataset import open_dataset
from imaging.readers.fragment_names import fragment_name, picture_of_fragment
from imaging.readers.splitting import split_groups
from imaging.sanitise import sanitise
from imaging.source import Skipped, ignore
from tests.imaging.files import file_of, picture


def test_a_picture_of_kylbergs_camera_is_covered_to_its_edges() -> None:
    pixels = np.zeros((1074, 2272, 3), np.uint8)
    cut = list(fragments_of(pixels, 256, 128))
    # Every 128 pixels from 0 to 1920 and one at 2272 - 256; from 0 to 768 and one at 1074 - 256.
    assert sorted({one.left for one in cut}) == [*range(0, 1921, 128), 2016]
    assert sorted({one.top for one in cut}) == [*range(0, 769, 128), 818]
    assert len(cut) == 17 * 8
    assert {one.pixels.shape for one in cut} == {(256, 256, 3)}


@given(st.integers(1, 400), st.integers(1, 100), st.integers(1, 100))
def test_every_pixel_is_in_a_fragment_and_none_is_made_up(
    length: int, size: int, stride: int
) -> None:
    if stride > size:
        with pytest.raises(WrongPixels):
            starts(length, size, stride)
        return
    covered = {
        pixel for start in starts(length, size, stride) for pixel in range(start, start + size)
    }
    assert covered == (set(range(length)) if length >= size else set())


def test_a_fragment_is_what_lies_there() -> None:
    pixels = picture(50, 70)
    for one in fragments_of(pixels, 32, 20):
        there = pixels[one.top : one.top + 32, one.left : one.left + 32]
        assert np.array_equal(one.pixels, there)


def test_names_say_what_a_fragment_was_cut_from() -> None:
    assert fragment_name("scan 7", 128, 4096) == "scan 7__x0128_y4096.png"
    assert picture_of_fragment("scan 7__x0128_y4096.png") == "scan 7"
    assert picture_of_fragment("blanket1-a-p001.png") == "blanket1-a"
    assert picture_of_fragment("blanket1-a-p001__x0000_y0000.png") == "blanket1-a"
    assert picture_of_fragment("scan_7.png") is None


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Five pictures of rugs and four of oats, one too small and one broken among them."""
    for label, count in (("rug", 5), ("oat", 4)):
        (tmp_path / "large" / label).mkdir(parents=True)
        for n in range(count):
            path = tmp_path / "large" / label / f"{n}.png"
            path.write_bytes(file_of(picture(40, 60, seed=n + 10 * count)))
    (tmp_path / "large" / "rug" / "small.png").write_bytes(file_of(picture(20, 60)))
    (tmp_path / "large" / "rug" / "torn.png").write_bytes(file_of(picture(40, 60))[:-30])
    return tmp_path / "large"


def test_fragments_of_one_picture_stay_on_one_side(large: Path, tmp_path: Path) -> None:
    out = tmp_path / "fragments"
    command = ["fragments", "--data", str(large), "--out", str(out)]
    assert main([*command, "--size", "32", "--stride", "16"]) == 0
    cut = list(open_dataset(out).pictures(ignore))
    # 60 wide: at 0, 16 and 28; 40 high: at 0 and 8.
    assert len(cut) == 9 * 3 * 2
    # By the table, and, where the table is lost, by the names.
    (out / "labels.csv").rename(tmp_path / "labels.csv")
    by_name = list(open_dataset(out).pictures(ignore))
    for pictures in (cut, by_name):
        assert len({one.group for one in pictures}) == 9
        for seed in range(5):
            learn, judge = split_groups(pictures, 0.3, seed)
            assert judge
            assert {one.group for one in learn}.isdisjoint(one.group for one in judge)


def test_what_cannot_be_cut_is_told(
    large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fragments"
    assert main(["fragments", "--data", str(large), "--out", str(out), "--size", "32"]) == 0
    said = capsys.readouterr()
    assert "36 fragments of 11 pictures" in said.out
    assert "1 × smaller than 32 × 32 pixels (rug/small.png)" in said.err
    assert "rug/torn.png" in said.err
    assert main(["fragments", "--data", str(large), "--out", str(out), "--size", "32"]) == 1
    assert "not empty" in capsys.readouterr().err


def test_a_patients_fragments_stay_together(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = ["file,label,patient_id,age"]
    for n in range(6):
        (tmp_path / "in" / f"{n}.png").write_bytes(file_of(picture(40, 60, seed=n)))
        rows.append(f"{n}.png,{'cat' if n < 3 else 'dog'},p{n // 2},{n + 30}")
    (tmp_path / "in" / "labels.csv").write_text("\n".join(rows))
    write_fragments(open_dataset(tmp_path / "in").pictures(ignore), tmp_path / "out", 32, 32)
    cut = list(open_dataset(tmp_path / "out").pictures(ignore))
    assert {one.group for one in cut} == {f"group patient_id p{n}" for n in range(3)}
    assert {one.metadata["age"] for one in cut} == {str(n + 30) for n in range(6)}
    with (tmp_path / "out" / "labels.csv").open() as file:
        assert {row["picture"] for row in csv.DictReader(file)} == {
            f"{'cat' if n < 3 else 'dog'}/{n}" for n in range(6)
        }


def test_names_that_no_folder_could_hold_are_made_plain(tmp_path: Path) -> None:
    class Odd:
        label, part, group, metadata, stamp = "cat", "train", "g", {"file": "x"}, ""
        name = "..\\\n" + "ä" * 300 + ".png"

        def read(self) -> bytes:
            return file_of(picture(40, 40))

    assert write_fragments([Odd(), Odd()], tmp_path / "out", 40, 40) == 2
    names = {path.name for path in (tmp_path / "out" / "train" / "cat").iterdir()}
    stem = "_ " + "ä" * 79
    assert names == {f"{stem}__x0000_y0000.png", f"{stem}(2)__x0000_y0000.png"}


def test_a_set_without_large_pictures_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(NoPictures):
        write_fragments([], tmp_path / "out", 32, 32)
    assert not (tmp_path / "out").exists()


def test_large_pictures_are_cut_before_they_would_be_scaled_down(tmp_path: Path) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    wide = picture(64, 2272)
    (tmp_path / "in" / "a" / "1.png").write_bytes(file_of(wide))
    write_fragments(open_dataset(tmp_path / "in").pictures(ignore), tmp_path / "out", 64, 64)
    last = (tmp_path / "out" / "a" / "1__x2208_y0000.png").read_bytes()
    assert np.array_equal(sanitise(last).pixels, wide[:, 2208:])


def test_skipped_reasons_are_sentences_of_the_sanitiser(large: Path, tmp_path: Path) -> None:
    skipped: list[Skipped] = []
    pictures = open_dataset(large).pictures(ignore)
    write_fragments(pictures, tmp_path / "out", 32, 32, skipped.append)
    assert [one.name for one in skipped] == ["rug/small.png", "rug/torn.png"]
    assert "cut short" in skipped[1].reason
