import json
import os

import pytest

from engines.processes.errors import WrongOption
from engines.processes.report import check_target, report, table, tables, write_report
from federated.plan import Plan
from federated.study import Study
from federated.views import RoundView, RunView, StudyView, UpdateView

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def update(name, examples, metrics, status="accepted"):
    return UpdateView(
        task=f"task-{name}",
        node=f"id-{name}",
        node_name=name,
        status=status,
        num_examples=examples,
        num_steps=4,
        metrics=metrics,
        hyperparameters={},
        sha256=C,
        nbytes=10,
        seconds=1.0,
        audit=None,
        share=examples / 40,
        credits=None,
    )


@pytest.fixture
def rounds():
    first = RoundView(
        run="run",
        number=1,
        state="closed",
        reason=None,
        opened_at=100.0,
        closed_at=102.5,
        deadline_at=200.0,
        weights_before=A,
        weights_after=B,
        tasks=[],
        updates=[
            update("site-2", 30, {"loss": 0.25, "accuracy": 0.75, "val_auc": 0.62}),
            update("site-1", 10, {"loss": 0.5, "accuracy": 0.5, "val_accuracy": 0.4}),
        ],
        excluded=[],
        evaluation={
            "loss": 0.3,
            "accuracy": 0.8,
            "balanced_accuracy": 0.7,
            "auc": None,
            "sensitivity_at_90": 0.65,
        },
    )
    return [first]


@pytest.fixture
def document(rounds):
    plan = Plan(rounds=1)
    study = StudyView(
        study=Study(id="s", name="S", classes=("x", "y")),
        plan=plan,
        created_at=1.0,
        current=None,
        problem=None,
        pictures={},
    )
    run = RunView(
        id="run",
        study="s",
        plan=plan,
        plan_sha256=plan.sha256,
        state="completed",
        reason=None,
        round=1,
        created_at=99.0,
        finished_at=103.0,
        weights=B,
        tasks=[],
        evaluation=None,
    )
    return report(study, run, rounds, {"accuracy": 0.8}, 3.25, "/kept")


def test_the_document_has_what_the_design_promises(document):
    promised = {*("run", "study", "plan", "seconds", "rounds", "evaluation", "state")}
    assert set(document) == promised | {"frozen", "cross_site", "credits"}
    (first,) = document["rounds"]
    assert (first["round"], first["seconds"]) == (1, 2.5)
    assert (first["weights_before"], first["weights_after"]) == (A, B)
    assert {one["node"]: one["num_examples"] for one in first["updates"]} == {
        "site-1": 10,
        "site-2": 30,
    }
    assert set(first["updates"][0]) >= {"node", "status", "num_examples", "metrics", "sha256"}
    assert document["state"] == "/kept"


def test_the_document_is_written_whole(document, tmp_path):
    path = tmp_path / "new" / "out.json"
    write_report(document, path)
    assert json.loads(path.read_text()) == document
    assert [file.name for file in path.parent.iterdir()] == ["out.json"]


def test_tables_show_each_site_and_the_test_figures(rounds):
    text = tables(rounds)
    first, second = (line.split() for line in text.splitlines()[2:4])
    assert first == ["1", "2.5", "site-1", "accepted", "10", "0.5000", "0.5000", "0.4000", "–"]
    assert second == ["1", "2.5", "site-2", "accepted", "30", "0.2500", "0.7500", "–", "0.6200"]
    figures = text.splitlines()[-1].split()
    assert figures == ["1", "0.3000", "0.8000", "0.7000", "–", "–", "0.6500", "–"]


def test_the_last_round_tells_how_sure_its_figures_are(rounds):
    (first,) = rounds
    ends = {"accuracy_low": 0.71, "accuracy_high": 0.88, "auc_low": None, "auc_high": None}
    later = first.model_copy(update={"number": 2, "evaluation": first.evaluation | ends})
    text = tables([first, later])
    head, _, row = text.split("\n\n")[-1].splitlines()
    assert head.split() == ["last", "round", "figure", "95", "%", "from", "to"]
    assert row.split() == ["test", "accuracy", "0.8000", "0.7100", "0.8800"]


def test_without_test_pictures_there_is_one_table(rounds):
    bare = [rounds[0].model_copy(update={"evaluation": None})]
    assert "test loss" not in tables(bare)


def test_what_is_to_be_known_of_every_round_is_said_once(rounds):
    note = "The global model's statistics are approximate."
    noted = [one.model_copy(update={"number": n, "note": note}) for n in (1, 2) for one in rounds]
    assert tables(noted).endswith(f"\n\n{note}")
    assert tables(noted).count(note) == 1


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(("a", "long"), [("wide", "b")]) == ("   a  long\n----  ----\nwide     b")


def test_a_draft_does_not_outlive_a_failure(document, tmp_path):
    (tmp_path / "out.json").mkdir()
    with pytest.raises(OSError, match=r"out\.json"):
        write_report(document, tmp_path / "out.json")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_target_that_can_be_written_is_left_as_it_is(tmp_path):
    path = tmp_path / "new" / "out.json"
    check_target(path, tmp_path / "state")
    assert list(path.parent.iterdir()) == []
    path.write_text("earlier results")
    check_target(path, tmp_path / "state")
    assert path.read_text() == "earlier results"


@pytest.mark.parametrize("target", ["folder", "file/out.json", "n" * 251, "state", "pipe"])
def test_a_target_that_cannot_be_written_is_refused(tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WrongOption, match="--out"):
        check_target(tmp_path / target, tmp_path / "state" / "below")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "pipe"]
