"""Data sets of other layouts than class folders, on their way to the children."""

import zipfile

import numpy as np
import pytest

from engines.processes.data_options import choice_of
from engines.processes.dataset import calls, deal_out, read_dataset, study_of
from engines.processes.errors import WrongOption
from engines.processes.options import given_data, parse
from tests.imaging.files import file_of, picture
from tests.imaging.readers.dicoms import dicom_file


def options_of(*words):
    return parse(["train", *map(str, words)], {})


@pytest.fixture
def scans(tmp_path):
    """Twenty patients with three pictures each, in a flat folder with a table."""
    rows = ["image_id,dx,patient_id,age"]
    for number in range(60):
        patient = number // 3
        (tmp_path / "scans").mkdir(exist_ok=True)
        name = f"scan{number:02d}"
        (tmp_path / "scans" / f"{name}.png").write_bytes(file_of(picture(8, 9, seed=number)))
        rows.append(f"{name},{'mel' if patient < 5 else 'nv'},p{patient},{20 + patient}")
    (tmp_path / "scans" / "table.csv").write_text("\n".join(rows))
    return tmp_path / "scans"


def test_without_parts_a_fifth_of_the_patients_tests(scans):
    told = []
    dataset = read_dataset(scans, told.append)
    assert dataset.classes == ("mel", "nv")
    assert (len(dataset.train), len(dataset.test), dataset.audit) == (48, 12, ())
    assert sum(one.label == "mel" for one in dataset.test) == 3
    patients = [
        {one.metadata["patient_id"] for one in part} for part in (dataset.train, dataset.test)
    ]
    assert patients[0].isdisjoint(patients[1])
    assert told[0] == "12 of 60 pictures are kept for the test; the set has no parts."
    again = read_dataset(scans, told.append)
    assert [one.name for one in again.test] == [one.name for one in dataset.test]
    other = read_dataset(scans, told.append, seed=1)
    assert {one.name for one in other.test} != {one.name for one in dataset.test}


def test_a_partition_takes_the_tables_column(scans):
    dataset = read_dataset(scans, lambda _: None)
    dealt = deal_out(dataset, ("young", "old"), "by:age", 0, metadata=scans)
    young, old = ({float(one.metadata["age"]) for one in dealt[site]} for site in ("young", "old"))
    assert max(young) < min(old)


def test_columns_can_be_named_on_the_command_line(scans):
    words = ["--data", scans, "--labels-file", "table.csv", "--label-column", "dx"]
    options = options_of(*words, "--image-column", "image_id", "--group-column", "age")
    dataset = read_dataset(given_data(options), lambda _: None, choice_of(options))
    assert dataset.classes == ("mel", "nv")
    sides = [{one.group for one in part} for part in (dataset.train, dataset.test)]
    assert sides[0].isdisjoint(sides[1])
    assert sides[0] | sides[1] == {f"age {age}" for age in range(20, 40)}


def test_an_archive_is_a_study_of_its_own_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "Skin 2.zip", "w") as archive:
        for number in range(6):
            part = "train" if number < 4 else "val"
            label = "cat" if number % 2 else "dog"
            archive.writestr(f"x/{part}/{label}/{number}.png", file_of(picture(8, 9, seed=number)))
    dataset = read_dataset(tmp_path / "Skin 2.zip", lambda _: None)
    assert [len(part) for part in (dataset.train, dataset.test, dataset.audit)] == [4, 2, 0]
    study = study_of(tmp_path / "Skin 2.zip", dataset, 32)
    assert (study.id, study.name, study.classes) == ("skin-2", "Skin 2", ("cat", "dog"))
    sent = [(call.label, name) for call in calls(dataset.train) for name, _ in call.files]
    assert sent == [("cat", "1.png"), ("cat", "3.png"), ("dog", "0.png"), ("dog", "2.png")]


def test_a_validation_part_judges_updates_where_there_is_a_test_part(tmp_path):
    arrays = {}
    for part, count in (("train", 6), ("val", 4), ("test", 2)):
        arrays[f"{part}_images"] = np.zeros((count, 8, 8), np.uint8)
        arrays[f"{part}_labels"] = np.arange(count) % 2
    np.savez(tmp_path / "m.npz", **arrays)
    dataset = read_dataset(tmp_path / "m.npz", lambda _: None)
    assert [len(part) for part in (dataset.train, dataset.audit, dataset.test)] == [6, 4, 2]


def test_a_picture_that_breaks_on_the_way_costs_itself_only(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "train" / label).mkdir(parents=True)
        (tmp_path / "train" / label / "1.png").write_bytes(file_of(picture(8, 9)))
    whole = dicom_file(picture(8, 9), "RGB")
    (tmp_path / "train" / "b" / "2.dcm").write_bytes(whole)
    (tmp_path / "train" / "b" / "3.dcm").write_bytes(whole[:-50])
    told = []
    dataset = read_dataset(tmp_path, told.append)
    sent = {
        call.label: [name for name, _ in call.files] for call in calls(dataset.train, told.append)
    }
    assert sent == {"a": ["1.png"], "b": ["1.png", "2.dcm"]}
    assert len(told) == 1
    assert "train/b/3.dcm was left out" in told[0]


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(WrongOption, match="no folder and no file"):
        given_data(options_of("--data", tmp_path / "nothing"))
    with pytest.raises(SystemExit):
        options_of("--data", tmp_path, "--layout", "heap")
