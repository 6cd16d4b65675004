from pathlib import Path

import pytest

from engines.processes.columns import column_values
from engines.processes.dataset import Dataset, deal_out, pictures_needed
from engines.processes.errors import WrongOption
from federated.plan import Plan, Privacy
from federated.training import Training
from imaging.readers.picture_formats import FilePicture

PICTURES = [FilePicture(Path("train") / label / name, label) for label, name in (
    ("cat", "1.jpg"), ("cat", "2.jpg"), ("dog", "1.jpg"), ("dog", "9.jpg"),
)]  # fmt: skip


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "\ufeffsplit,class,file,age\ntrain,cat,1.jpg,12\ntrain,dog,1.jpg, 7.5 \ntrain,cat,2.jpg,\n"
    )
    return path


def test_a_picture_is_known_by_its_class_and_file(labels):
    assert column_values(labels, "age", PICTURES).tolist() == ["12", "", "7.5", ""]


def test_file_names_are_enough_where_there_is_no_column_of_classes(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,camera\n9.jpg,A\n2.jpg,B\n")
    assert column_values(path, "camera", PICTURES).tolist() == ["", "B", "", "A"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"file,sex\n1.jpg,f\n", "lacks a column.*'file' and 'age'.*sex"),
        (b"file,age\nother.jpg,3\n", "says nothing of any picture"),
        (b"file,age\n\xff\xfe,3\n", "cannot be read as CSV"),
        (b"", "lacks a column"),
        (b"file,age\n" + b'"' + b"x" * 200_000 + b'",3\n', "cannot be read as CSV"),
    ],
)
def test_a_file_that_does_not_help_is_refused(tmp_path, content, sentence):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(WrongOption, match=sentence):
        column_values(path, "age", PICTURES)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WrongOption, match=r"labels\.csv"):
        column_values(tmp_path / "labels.csv", "age", PICTURES)


def test_a_data_set_is_dealt_out_by_a_column(tmp_path):
    (tmp_path / "labels.csv").write_text("file,age\n1.jpg,70\n2.jpg,20\n9.jpg,30\n")
    dataset = Dataset(tuple(PICTURES), (), (), ("cat", "dog"))
    dealt = deal_out(dataset, ("young", "old"), "by:age", 0, metadata=tmp_path)
    assert {site: sorted(found.path.name for found in own) for site, own in dealt.items()} == {
        "young": ["2.jpg", "9.jpg"],
        "old": ["1.jpg", "1.jpg"],
    }


def test_a_site_needs_more_pictures_than_train_where_some_only_judge():
    plan = Plan(privacy=Privacy(min_examples=10), training=Training(validation_fraction=0.2))
    assert pictures_needed(plan, classes=2) == 14
    without = plan.model_copy(update={"training": Training(validation_fraction=0)})
    assert pictures_needed(without, classes=2) == 10
