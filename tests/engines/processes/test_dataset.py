import os

import numpy as np
import pytest
from PIL import Image

from engines.processes import dataset as module
from engines.processes.dataset import calls, deal_out, read_dataset, study_of
from engines.processes.errors import WrongOption
from federated.errors import FederationError


def write(folder, label, count):
    (folder / label).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((8, 8, 3), number, np.uint8)
        Image.fromarray(pixels).save(folder / label / f"{number:02d}.png")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "Skin Set" / "train", "cat", 7)
    write(tmp_path / "Skin Set" / "train", "dog", 5)
    write(tmp_path / "Skin Set" / "test", "dog", 3)
    return tmp_path / "Skin Set"


def test_parts_and_classes_are_read(folder):
    dataset = read_dataset(folder)
    assert dataset.classes == ("cat", "dog")
    assert (len(dataset.train), len(dataset.test), len(dataset.audit)) == (12, 3, 0)


def test_a_study_is_named_after_its_folder(folder):
    study = study_of(folder, read_dataset(folder), 32)
    assert (study.id, study.name, study.size) == ("skin-set", "Skin Set", 32)
    assert study.classes == ("cat", "dog")


def test_one_class_is_nothing_to_tell_apart(tmp_path):
    write(tmp_path / "train", "cat", 3)
    with pytest.raises(WrongOption, match="only 'cat'"):
        read_dataset(tmp_path)


def test_a_class_that_is_only_tested_is_refused(folder):
    write(folder / "test", "horse", 1)
    with pytest.raises(WrongOption, match="horse"):
        read_dataset(folder)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(FederationError):
        read_dataset(tmp_path)


def test_every_picture_is_dealt_to_one_site_and_the_seed_decides(folder):
    dataset = read_dataset(folder)
    dealt = deal_out(dataset, ("a", "b", "c"), "iid", 1)
    assert sorted(found.name for site in dealt.values() for found in site) == sorted(
        found.name for found in dataset.train
    )
    assert dealt == deal_out(dataset, ("a", "b", "c"), "iid", 1)
    assert dealt != deal_out(dataset, ("a", "b", "c"), "iid", 2)


def test_under_label_skew_a_site_lacks_a_class(folder):
    dealt = deal_out(read_dataset(folder), ("a", "b"), "label-skew", 0)
    assert {found.label for found in dealt["a"]} == {"dog"}
    assert {found.label for found in dealt["b"]} == {"cat"}


def test_an_unknown_partition_is_refused(folder):
    with pytest.raises(FederationError, match="partition"):
        deal_out(read_dataset(folder), ("a", "b"), "fair", 0)


def test_calls_carry_one_class_each_and_every_file_once(folder, monkeypatch):
    monkeypatch.setattr(module, "FILES_PER_CALL", 3)
    made = list(calls(read_dataset(folder).train))
    assert [(call.label, len(call.files)) for call in made] == [
        *(("cat", 3), ("cat", 3), ("cat", 1), ("dog", 3), ("dog", 2))
    ]
    assert [name for call in made if call.label == "dog" for name, _ in call.files] == [
        f"{number:02d}.png" for number in range(5)
    ]


def test_calls_are_bounded_in_bytes(folder, monkeypatch):
    pictures = read_dataset(folder).train
    largest = max(len(found.read()) for found in pictures)
    monkeypatch.setattr(module, "BYTES_PER_CALL", largest)
    assert all(len(call.files) == 1 for call in calls(pictures))


def test_groups_are_told_where_there_are_some_and_their_names_are_not(folder):
    assert all(call.groups == () for call in calls(read_dataset(folder).train))
    (folder / "labels.csv").write_text(
        "file,class,patient\n00.png,cat,Erika\n04.png,dog,Erika\n05.png,cat,Hans\n"
    )
    train = read_dataset(folder).train
    sent = list(calls(train))
    assert "Erika" not in repr(sent)
    words = {
        (call.label, name): word
        for call in sent
        for (name, _), word in zip(call.files, call.groups, strict=True)
    }
    assert words["cat", "00.png"] == words["dog", "04.png"]
    assert len(words) == 12 == len(set(words.values())) + 1


def test_pictures_of_one_patient_are_dealt_to_one_site(folder):
    (folder / "labels.csv").write_text(
        "file,class,patient\n"
        + "".join(f"{number:02d}.png,cat,{number % 2}\n" for number in range(7))
        + "".join(f"{number:02d}.png,dog,{number}\n" for number in range(3))
    )
    dealt = deal_out(read_dataset(folder), ("a", "b"), "iid", 1)
    patients = [{found.metadata.get("patient", "") for found in own} for own in dealt.values()]
    assert patients[0] & patients[1] <= {""}
    assert {"0", "1"} <= patients[0] | patients[1]
    assert sum(map(len, dealt.values())) == 12


def test_no_pictures_make_no_calls():
    assert list(calls([])) == []


def test_a_class_folder_that_cannot_be_one_is_an_error_that_names_it(folder):
    write(folder / "train", "cat @ home", 2)
    with pytest.raises(WrongOption, match=r"cat @ home.*cannot be a label"):
        read_dataset(folder)


def test_it_is_named_where_no_other_class_folder_is_left(tmp_path):
    write(tmp_path / "train", "@", 2)
    with pytest.raises(WrongOption, match="train/@"):
        read_dataset(tmp_path)


def test_a_class_folder_without_pictures_is_an_error_that_names_it(folder):
    (folder / "train" / "horse").mkdir()
    (folder / "train" / "horse" / "horse.gif").write_bytes(b"GIF89a")
    with pytest.raises(WrongOption, match="horse"):
        read_dataset(folder)


def test_files_that_are_left_out_are_counted_and_told_in_one_sentence(folder):
    (folder / "train" / "dog" / "notes.txt").write_text("a good dog")
    (folder / "train" / "dog" / "zebra.gif").write_bytes(b"GIF89a")
    (folder / "test" / "list.csv").touch()
    (folder / "train" / ".cache").mkdir()
    told = []
    assert len(read_dataset(folder, told.append).train) == 12
    assert told == ["4 files were left out; train/.cache: hidden."]


def test_nothing_is_told_where_nothing_is_left_out(folder):
    told = []
    read_dataset(folder, told.append)
    assert told == []


def test_classes_that_differ_by_case_only_make_no_study(tmp_path):
    write(tmp_path / "train", "Cat", 1)
    write(tmp_path / "train", "cat", 2)
    with pytest.raises(WrongOption, match="differ by more than"):
        study_of(tmp_path, read_dataset(tmp_path), 32)


def test_names_that_are_no_text_are_still_sent(tmp_path):
    """A file system takes any bytes for a name; what is sent is UTF-8."""
    folder = tmp_path / os.fsdecode(b"set \xff")
    write(folder / "train", "cat", 1)
    write(folder / "train", "dog", 1)
    (folder / "train" / "cat" / "00.png").rename(
        folder / "train" / "cat" / os.fsdecode(b"\xff.png")
    )
    dataset = read_dataset(folder)
    names = [name for call in calls(dataset.train) for name, _ in call.files]
    assert names == ["?.png", "00.png"]
    assert study_of(folder, dataset, 32).name == "set ?"


def test_classes_may_have_accents_however_the_file_system_spells_them(tmp_path):
    write(tmp_path / "train", "me\u0301lanome", 3)
    write(tmp_path / "train", "母斑", 2)
    write(tmp_path / "test", "mélanome", 1)
    dataset = read_dataset(tmp_path)
    assert dataset.classes == study_of(tmp_path, dataset, 32).classes == ("mélanome", "母斑")
