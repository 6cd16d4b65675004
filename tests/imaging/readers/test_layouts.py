"""Class folders, file names and tables, in folders and in archives."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from imaging.errors import NoPictures
from imaging.readers.choice import RECOGNISED, Choice
from imaging.readers.dataset import open_dataset
from imaging.readers.errors import BrokenSource, UnknownLayout
from imaging.readers.file_names import label_in_name
from imaging.readers.found import Found
from imaging.readers.table_columns import Wanted
from imaging.sanitise import sanitise
from imaging.source import Skipped, ignore
from tests.imaging.files import file_of, picture
from tests.imaging.readers.dicoms import dicom_file
from tests.imaging.readers.test_places import tar_of, zip_of

DATA = Path(__file__).parents[4] / "shared" / "data"

JPEG = file_of(picture(), "JPEG")


def fill(root: Path, *names: str, **texts: str) -> Path:
    """Pictures of these names, and texts of these (with `_` for `.`)."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(JPEG)
    for name, text in texts.items():
        (root / name.replace("_csv", ".csv")).write_text(text, encoding="utf-8")
    return root


def look(place: Path, choice: Choice = RECOGNISED) -> tuple[str, list[Found], dict[str, str]]:
    """What a place is taken for, its pictures, and what was left out."""
    skipped: list[Skipped] = []
    opened = open_dataset(place, choice)
    found = list(opened.pictures(skipped.append))
    again = [one.name for one in open_dataset(place, choice).pictures(lambda _: None)]
    assert again == [one.name for one in found]
    return opened.words, found, {one.name: one.reason for one in skipped}


def pairs(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.name, one.label) for one in found]


class TestFolders:
    def test_class_folders_in_parts_are_told_apart(self, tmp_path: Path) -> None:
        root = fill(tmp_path, "train/cat/1.jpg", "Val/dog/2.jpg", "test/cat/3.jpg", "other/x/4.jpg")
        words, found, skipped = look(root)
        assert words == "class folders in a folder"
        assert {one.name: one.part for one in found} == {
            "train/cat/1.jpg": "train",
            "Val/dog/2.jpg": "validation",
            "test/cat/3.jpg": "test",
        }
        assert skipped == {"other": "belongs to no part of the data set"}

    @pytest.mark.parametrize("kind", ["zip", "tar"])
    def test_an_archive_that_holds_one_folder_is_looked_into(
        self, tmp_path: Path, kind: str
    ) -> None:
        files = {f"set/data/{name}": JPEG for name in ("cat/1.jpg", "cat/2.jpg", "dog/3.jpg")}
        make = {"zip": zip_of, "tar": tar_of}[kind]
        (tmp_path / "download").write_bytes(make({**files, "set/readme.txt": b"hello"}))
        words, found, skipped = look(tmp_path / "download")
        assert words == f"class folders in a {'ZIP' if kind == 'zip' else 'tar'} archive"
        assert [one.label for one in found] == ["cat", "cat", "dog"]
        assert sanitise(found[2].read()).width == 40
        assert skipped == {"set/readme.txt": "beside the folder of the pictures"}

    def test_a_class_may_be_called_test_where_nothing_is_called_train(self, tmp_path: Path) -> None:
        _, found, _ = look(fill(tmp_path, "test/1.jpg", "control/2.jpg"))
        assert [one.label for one in found] == ["control", "test"]

    def test_dicom_files_lie_in_class_folders_too(self, tmp_path: Path) -> None:
        fill(tmp_path, "a/1.jpg", "b/2.jpg")
        (tmp_path / "b" / "scan").write_bytes(dicom_file(picture(9, 7), "RGB"))
        (tmp_path / "b" / "film").write_bytes(dicom_file(picture(9, 7), "RGB", NumberOfFrames=2))
        _, found, skipped = look(tmp_path)
        assert pairs(found)[-1] == ("b/scan", "b")
        assert sanitise(found[-1].read()).height == 9
        assert skipped == {"b/film": "a DICOM file of several frames"}

    def test_a_table_beside_class_folders_tells_more_of_their_pictures(
        self, tmp_path: Path
    ) -> None:
        fill(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "train/dog/2.jpg")
        table = "class,file,age,patient_id\ncat,1.jpg,3,p1\ndog,1.jpg,9,p2\n,x.jpg,1,p3\n"
        _, found, _ = look(fill(tmp_path, labels_csv=table))
        assert [one.metadata.get("age") for one in found] == ["3", "9", None]
        assert [one.group for one in found] == ["patient_id p1", "patient_id p2", "train/dog/2.jpg"]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "label"),
        [
            ("cat.12.jpg", "cat"),
            ("dog (3).png", "dog"),
            ("benign_keratosis_003.png", "benign_keratosis"),
            ("melanoma4.jpg", "melanoma"),
            ("nevus.jpg", "nevus"),
            ("blanket1-a-p001.png", "blanket1"),
            ("blanket1-b-p040-r30.png", "blanket1"),
            ("blanket1-a-p001__x0000_y0128.png", "blanket1"),
            ("0012.jpg", None),
            ("_7.jpg", None),
        ],
    )
    def test_the_class_is_what_stands_before_the_number(self, name: str, label: str | None) -> None:
        assert label_in_name(name) == label

    def test_flat_files_are_read_by_their_names(self, tmp_path: Path) -> None:
        fill(tmp_path, "train/cat.0.jpg", "train/dog.1.jpg", "train/17.jpg", "test/cat.2.jpg")
        words, found, skipped = look(tmp_path)
        assert words == "labels in file names in a folder"
        assert [(one.label, one.part) for one in found] == [
            *(("cat", "test"), ("cat", "train"), ("dog", "train"))
        ]
        assert skipped == {"train/17.jpg": "its name has no class"}

    def test_patches_of_one_of_kylbergs_samples_are_one_group(self, tmp_path: Path) -> None:
        names = [
            f"{texture}-{s}-p00{n}.png" for texture in ("rug1", "oat2") for s in "ab" for n in "12"
        ]
        _, found, _ = look(fill(tmp_path, *names))
        assert [one.label for one in found] == ["oat2"] * 4 + ["rug1"] * 4
        assert [one.group for one in found[:4]] == ["oat2/oat2-a"] * 2 + ["oat2/oat2-b"] * 2


HAM = "lesion_id,image_id,dx,age\nL1,ISIC_1,mel,70\nL1,ISIC_2,mel,70\nL2,ISIC_3,nv,\n"


class TestTables:
    def test_ham10000_is_recognised(self, tmp_path: Path) -> None:
        fill(tmp_path, "part_1/ISIC_1.jpg", "part_2/ISIC_2.jpg", "part_2/ISIC_3.jpg")
        words, found, skipped = look(fill(tmp_path, HAM10000_metadata_csv=HAM))
        assert words == "labels in a table (HAM10000_metadata.csv) in a folder"
        assert [one.label for one in found] == ["mel", "mel", "nv"]
        assert [one.group for one in found] == ["lesion_id L1", "lesion_id L1", "lesion_id L2"]
        assert found[0].metadata["age"] == "70"
        assert skipped == {}

    def test_isic_2019_is_recognised_with_its_metadata(self, tmp_path: Path) -> None:
        fill(tmp_path, *(f"input/ISIC_{n}.jpg" for n in range(1, 6)))
        truth = (
            "image,MEL,NV,UNK,score_weight\nISIC_1,1.0,0.0,0.0,1.0\nISIC_2,0.0,1.0,0.0,0.0\n"
            "ISIC_3,0.0,0.0,0.0,1.0\nISIC_4,1.0,1.0,0.0,1.0\nISIC_5,0,0,1,1\n"
        )
        more = "image,age_approx,lesion_id\nISIC_2,35,BCN_7\n"
        _, found, skipped = look(fill(tmp_path, Truth_csv=truth, Metadata_csv=more))
        assert pairs(found) == [
            *(("input/ISIC_1.jpg", "MEL"), ("input/ISIC_2.jpg", "NV"), ("input/ISIC_5.jpg", "UNK"))
        ]
        assert found[1].metadata["age_approx"] == "35"
        assert found[1].group == "lesion_id BCN_7"
        assert skipped.pop("Metadata.csv") == "not named in the table"
        assert skipped == dict.fromkeys(("ISIC_3", "ISIC_4"), "is not of exactly one class")

    def test_a_patient_that_is_not_known_does_not_hide_the_lesion(self, tmp_path: Path) -> None:
        # What `python -m imaging isic` writes has both columns, and often one is empty.
        fill(tmp_path, *(f"{part}/{n}.jpg" for part, n in zip("aabbbb", range(1, 7), strict=True)))
        rows = ("1,a,,L1", "2,a,,L1", "3,b,P1,L2", "4,b,P1,L3", "5,b,,L3", "6,b,,")
        fill(tmp_path, metadata_csv="\n".join(("isic_id,label,patient_id,lesion_id", *rows)))
        expected = ["lesion_id L1"] * 2 + ["patient_id P1"] * 3 + ["b/6.jpg"]
        for kind in ("table", "class-folders"):
            _, found, _ = look(tmp_path, Choice(kind))  # type: ignore[arg-type]
            assert [one.group for one in found] == expected

    def test_what_one_table_says_another_does_not_empty(self, tmp_path: Path) -> None:
        fill(tmp_path, "1.jpg", "2.jpg", truth_csv="file,dx,lesion_id\n1,nv,\n2,mel,\n")
        fill(tmp_path, more_csv="image,lesion_id\n1,L9\n2,L9\n")
        _, found, _ = look(tmp_path, Choice(labels_file="truth.csv"))
        assert [one.group for one in found] == ["lesion_id L9"] * 2

    def test_any_two_columns_can_be_named(self, tmp_path: Path) -> None:
        fill(tmp_path, "pics/a.jpg", "pics/b.jpg", notes_csv="Foto;Befund;Wer\na;gut;1\nb;böse;1\n")
        with pytest.raises(UnknownLayout, match=r"no such column.*Foto, Befund, Wer"):
            look(tmp_path, Choice("table", "notes.csv", Wanted("picture", "Befund")))
        choice = Choice(labels_file="notes.csv", columns=Wanted("Foto", "Befund", "Wer"))
        _, found, _ = look(tmp_path, choice)
        assert pairs(found) == [("pics/a.jpg", "gut"), ("pics/b.jpg", "böse")]
        assert {one.group for one in found} == {"Wer 1"}

    def test_a_table_may_lie_elsewhere(self, tmp_path: Path) -> None:
        fill(tmp_path / "set", "x/ISIC_1.jpg", "x/ISIC_3.jpg")
        fill(tmp_path, table_csv=HAM)
        _, found, skipped = look(tmp_path / "set", Choice(labels_file=str(tmp_path / "table.csv")))
        assert [one.label for one in found] == ["mel", "nv"]
        assert skipped == {"ISIC_2": "there is no such file"}
        with pytest.raises(NoPictures, match="no such table"):
            look(tmp_path / "set", Choice(labels_file="missing.csv"))

    def test_a_table_in_a_folder_is_found_by_its_name(self, tmp_path: Path) -> None:
        fill(tmp_path / "set", "x/ISIC_1.jpg")
        fill(tmp_path / "set" / "x", t_csv=HAM)
        for name in ("t.csv", "x/t.csv"):
            words, found, _ = look(tmp_path / "set", Choice(labels_file=name))
            assert words == "labels in a table (x/t.csv) in a folder"
            assert pairs(found) == [("x/ISIC_1.jpg", "mel")]

    def test_a_table_as_the_place_means_its_folder(self, tmp_path: Path) -> None:
        fill(tmp_path, "ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg", t_csv=HAM)
        assert len(look(tmp_path / "t.csv")[1]) == 3

    def test_spreadsheets_write_marks_quotes_and_blanks(self, tmp_path: Path) -> None:
        fill(tmp_path, "a, b.jpg", "c.jpg", "d.jpg")
        text = (
            '\ufeff"file","class"\r\n"a, b.jpg"," big ""cat"" "\r\n\r\nc.jpg, cat \r\nd.jpg,dog\r\n'
        )
        _, found, skipped = look(fill(tmp_path, t_csv=text))
        assert pairs(found) == [("c.jpg", "cat"), ("d.jpg", "dog")]
        assert skipped == {"a, b.jpg": "its class cannot be a label"}
        (tmp_path / "t.csv").write_bytes(text[1:].replace('""cat""', "cat").encode("utf-16"))
        assert pairs(look(tmp_path)[1])[0] == ("a, b.jpg", "big cat")

    def test_what_is_wrong_with_a_row_is_told(self, tmp_path: Path) -> None:
        fill(tmp_path, *(f"{name}.jpg" for name in "abcdefg"), "x/h.jpg", "y/h.jpg")
        (tmp_path / "g.jpg").write_bytes(b"GIF89a")
        table = (
            "file,label\na.jpg,cat\na.jpg,cat\nb.jpg,cat\nb.jpg,dog\nc.jpg,\nd.jpg,-odd\n"
            "e.jpg\nmissing.jpg,cat\ng.jpg,cat\nh.jpg,cat\n../x.jpg,cat\n,cat\nx/h.jpg,dog\n"
        )
        skipped: list[Skipped] = []
        opened = open_dataset(fill(tmp_path, t_csv=table))
        assert pairs(list(opened.pictures(skipped.append))) == [
            ("a.jpg", "cat"),
            ("x/h.jpg", "dog"),
        ]
        assert sorted((one.name, one.reason) for one in skipped) == [
            ("../x.jpg", "there is no such file"),
            ("a.jpg", "the table names it twice"),
            ("b.jpg", "the table gives it two classes"),
            ("b.jpg", "the table gives it two classes"),
            ("c.jpg", "has no label"),
            ("d.jpg", "its class cannot be a label"),
            ("e.jpg", "not named in the table"),
            ("f.jpg", "not named in the table"),
            ("g.jpg", "not a JPEG, PNG or DICOM picture"),
            ("h.jpg", "there are several files of this name"),
            ("missing.jpg", "there is no such file"),
            ("t.csv, line 13", "names no picture"),
            ("t.csv, line 8", "has too few or too many fields"),
            ("y/h.jpg", "not named in the table"),
        ]

    @pytest.mark.parametrize(
        "text", ["", "file\n", "file,file\na,b\n", 'file,label\n"a.jpg,cat\n', ",".join("x" * 1200)]
    )
    def test_a_damaged_table_that_is_named_is_refused(self, tmp_path: Path, text: str) -> None:
        fill(tmp_path, "a.jpg", "b.jpg", t_csv=text)
        with pytest.raises(BrokenSource):
            look(tmp_path, Choice(labels_file="t.csv"))
        # One that is only there is none of ours.
        assert [one.label for one in look(tmp_path)[1]] == ["a", "b"]

    def test_the_parts_of_a_table_count(self, tmp_path: Path) -> None:
        table = "file,label,split\na.jpg,cat,Training\nb.jpg,dog,val\nc.jpg,dog,\n"
        _, found, _ = look(fill(tmp_path, "a.jpg", "b.jpg", "c.jpg", t_csv=table))
        assert [one.part for one in found] == ["train", "validation", ""]


def test_nothing_to_go_by_is_an_error_that_says_what_was_seen(tmp_path: Path) -> None:
    with pytest.raises(NoPictures, match="no such folder or file"):
        look(tmp_path / "missing")
    with pytest.raises(NoPictures, match="no labelled pictures"):
        look(tmp_path)
    (tmp_path / "x.rar").write_bytes(b"Rar!" * 200)
    with pytest.raises(BrokenSource, match="no data set"):
        look(tmp_path / "x.rar")
    fill(tmp_path, "1.jpg", t_csv="a,b\n1,2\n")
    with pytest.raises(UnknownLayout, match="Received a, b"):
        look(tmp_path, Choice("table"))


def rows_of(path: Path) -> list[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not on this machine")
def test_a_real_table_gives_the_same_as_the_real_class_folders() -> None:
    root = DATA / "skin_ham7"
    by_folder = list(open_dataset(root).pictures(ignore))
    by_table = list(open_dataset(root, Choice("table")).pictures(ignore))
    assert len(by_table) == len(rows_of(root / "labels.csv")) == 3661
    assert {(one.name, one.label, one.part) for one in by_table} == {
        (one.name, one.label, one.part) for one in by_folder
    }
    assert {one.name: one.metadata for one in by_table} == {
        one.name: one.metadata for one in by_folder
    }
