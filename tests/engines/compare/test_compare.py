"""`compare` as its user sees it: real workers, a table, files."""

import json
import os
import shutil

import pytest

from engines.compare.command import compare
from engines.processes.errors import WrongOption
from engines.processes.options import parse
from federated.errors import FederationError
from tests.e2e.pictures import write_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "colours"
    return write_dataset(folder, {"blue": 30, "red": 26}, test=6)


def options(data, *arguments):
    shared = ("--data", data, "--size", 16, "--epochs", 1, "--batch-size", 8, "--workers", 1)
    return parse(["compare", *map(str, (*shared, *arguments))], {})


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("first") / "out"
    asked = options(
        *(data, "--rounds", 2, "--seeds", "3,4", "--partitions", "label-skew", "--out", out),
        *("--set", "privacy.min_examples=4 training.learning_rate=0.01"),
    )
    assert compare(asked, os.environ) == 0
    return asked, out


def test_every_way_is_measured_under_every_seed(first):
    document = json.loads((first[1] / "results.json").read_text())
    assert [(row["kind"], row["partition"]) for row in document["rows"]] == [
        ("together", None),
        ("alone", "label-skew"),
        ("federated", "label-skew"),
    ]
    assert all(len(row["figures"]["auc"]["values"]) == 2 for row in document["rows"])
    # The colours are easy to tell apart, for who has seen both.
    assert document["rows"][0]["figures"]["accuracy"]["mean"] > 0.9
    assert document["rows"][1]["figures"]["accuracy"]["mean"] == 0.5
    assert {
        (one["site"], one["label"]): one["alone"]["mean"] for one in document["never_seen"]
    } == {
        ("site-1", "blue"): 0.0,
        ("site-2", "red"): 0.0,
    }


def test_the_files_are_there_and_the_scratch_is_gone(first, capsys):
    names = {path.name for path in first[1].iterdir()}
    assert {"results.txt", "results.csv", "results.json", "charts.html", "cases"} <= names
    assert "work" not in names
    assert "label-skew" in (first[1] / "results.txt").read_text()


def test_what_is_finished_is_not_done_again(first, capsys):
    asked, out = first
    before = {path: path.stat().st_mtime_ns for path in (out / "cases").iterdir()}
    assert compare(asked, os.environ) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "cases").iterdir()} == before
    assert "6 of 6 cases were finished before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--partitions", "fair"), "no such partition"),
        (("--strategies", "nothing"), "no such strategy"),
        (("--strategies", "fedasync"), "how long each site takes"),
        (("--vary", "training.epochs=many"), "epochs"),
        (("--set", "rounds=900", "--epochs", 2), "epochs"),
        (("--partitions", "by:age"), "labels.csv"),
        (("--preset", "quorum", "--children", 4, "--set", "sampling.fraction=0.25"), "less often"),
    ],
)
def test_what_cannot_be_compared_is_told_before_anything_starts(data, arguments, sentence):
    with pytest.raises(FederationError, match=sentence):
        compare(options(data, *arguments), os.environ)


def test_a_folder_of_something_else_is_left_alone(data, tmp_path):
    (tmp_path / "letters.txt").touch()
    with pytest.raises(WrongOption, match="no comparison"):
        compare(options(data, "--out", tmp_path), os.environ)


def test_without_test_pictures_there_must_be_folds(tmp_path):
    data = write_dataset(tmp_path / "data", {"blue": 12, "red": 12}, test=1)
    shutil.rmtree(data / "test")
    with pytest.raises(FederationError, match="--folds"):
        compare(options(data, "--seeds", 1), os.environ)


def test_it_is_told_how_many_pictures_test_and_so_do_not_train(tmp_path, capsys):
    data = write_dataset(tmp_path / "data", {"blue": 12, "red": 12}, test=2)
    shutil.copy(data / "train" / "red" / "red.3.png", data / "test" / "red" / "again.png")
    with pytest.raises(FederationError, match=r"labels\.csv"):
        compare(options(data, "--partitions", "by:age"), os.environ)
    assert "1 picture lies in the training part and in the test part" in capsys.readouterr().err
