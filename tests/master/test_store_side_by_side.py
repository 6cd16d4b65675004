"""The tables of runs side by side and of what sites measure, on every kind of database."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from federated.plan import Plan
from federated.site_evaluation import ModelFigures, SiteEvaluation
from federated.states import RoundState, RunState, TaskState
from federated.views import CrossSiteModel, ExcludedNode
from master.audit import Verdict
from master.coordinator.site_selection import choose
from master.store import (
    blob_references,
    comparisons,
    cross_site_views,
    cross_sites,
    measured_models,
    nodes,
    round_tasks,
    runs,
    task_ends,
    task_views,
    tasks,
    transitions,
    updates,
    versions,
)
from master.store.round_tasks import Patience
from master.store.tables import EvaluationRow, RoundRow, RunRow, TaskRow, UpdateRow, VersionRow
from serving.database import Database
from tests.master.conftest import NOW

GLOBAL, MINE = "1" * 64, "2" * 64
MEASURING = "r1-1-n1-evaluate"


@pytest.fixture
def measuring(database: Database, task: str) -> str:
    """Round 1 is closed, and the node `clinic-a` is to measure two models."""
    with database.write() as session:
        run, row = session.get_one(RunRow, "r1"), session.get_one(RoundRow, ("r1", 1))
        run.plan = Plan(cross_site=True).model_dump(mode="json")
        before = versions.get(session, row.before_id)
        signature = before.signature
        after = versions.add(
            session, "skin", Plan(), signature, GLOBAL, NOW, run="r1", round_number=1
        )
        row.after_id = run.version_id = after.id
        transitions.move_round(session, row, RoundState.AGGREGATING, NOW)
        transitions.move_round(session, row, RoundState.CLOSED, NOW)
        task_ends.cancel_training(session, "r1", "over", NOW)
        found = cross_sites.prepare(session, row, NOW, NOW + 60)
        models = [
            CrossSiteModel(name="global", weights=GLOBAL),
            CrossSiteModel(name="clinic-a", node="n1", weights=MINE),
            CrossSiteModel(name="clinic-b", node="n2", reason="gone"),
            CrossSiteModel(name="clinic-c", node="n3", weights=MINE),
        ]
        sites, _ = choose(nodes.sites(session, "skin", NOW, 20), Plan())
        there = sites or nodes.sites(session, "skin", NOW, 20)
        away = [ExcludedNode(node="n9", node_name="clinic-z", reason="not reachable")]
        cross_sites.open_for(session, found, models, there, away, NOW, Patience(300, 60))
    return MEASURING


def evaluation(**changes: object) -> SiteEvaluation:
    figures = {GLOBAL: ModelFigures(accuracy=0.5), MINE: ModelFigures(accuracy=0.75)}
    facts = {"task": MEASURING, "num_examples": 4, "figures": figures}
    return SiteEvaluation.model_validate(facts | changes)


def test_a_task_names_each_model_once_and_its_node_may_fetch_them(
    database: Database, measuring: str
) -> None:
    with database.read() as session:
        row = session.get_one(TaskRow, measuring)
        message = tasks.message(session, row, versions.get(session, row.base_id), 60)
        assert (message.kind, message.models) == ("evaluate", (GLOBAL, MINE))
        assert message.weights == GLOBAL
        assert versions.may_fetch(session, "n1", MINE)
        assert not versions.may_fetch(session, "n1", "3" * 64)
        assert blob_references.is_used(session, MINE)
        assert MINE in blob_references.named(session)
    with database.write() as session:
        cross_sites.accept(
            session, session.get_one(TaskRow, measuring), "a" * 64, 99, evaluation(), NOW
        )
        assert not versions.may_fetch(session, "n1", MINE)
        cross_sites.close(session, session.get_one(cross_sites.CrossSiteRow, "r1"), NOW + 1)
        assert measured_models.in_use(session) == set()


def test_measuring_is_no_work_of_a_round(database: Database, measuring: str) -> None:
    with database.write() as session:
        trained = [one.id for one in round_tasks.of_round(session, "r1", 1, carried=True)]
        assert trained == ["r1-1-n1"]
        assert [one.id for one in round_tasks.measuring(session, "r1")] == [measuring]
        assert [view.id for view in task_views.of_round(session, "r1", 1)] == ["r1-1-n1"]
        row = session.get_one(TaskRow, measuring)
        cross_sites.accept(session, row, "a" * 64, 99, evaluation(), NOW)
        # Nothing that a run's end says of updates is said of it.
        task_ends.leave_uncounted(session, "r1", "over", NOW)
        task_ends.cancel_training(session, "r1", "over", NOW)
        assert row.state == TaskState.ACCEPTED
        assert updates.newest_of_nodes(session, "r1") == []


def test_the_matrix_has_a_row_for_everybody(database: Database, measuring: str) -> None:
    with database.write() as session:
        run = runs.get(session, "r1")
        view = cross_site_views.view(session, run)
        assert (view.state, [site.node_name for site in view.sites]) == (
            "open",
            ["clinic-a", "clinic-z"],
        )
        assert view.sites[0].reason == "has not taken its task yet"
        row = session.get_one(TaskRow, measuring)
        cross_sites.accept(session, row, "a" * 64, 99, evaluation(), NOW)
        answered = cross_site_views.view(session, run).sites[0]
        assert [one and one.accuracy for one in answered.figures] == [0.5, 0.75, None, 0.75]
        assert (answered.reason, answered.num_examples) == (None, 4)
        runs.end(session, run, RunState.STOPPED, "enough", NOW)
        assert cross_site_views.view(session, run).state == "closed"


def test_a_restart_gives_an_open_measurement_time(database: Database, measuring: str) -> None:
    with database.write() as session:
        cross_sites.keep_open(session, NOW + 500, 60)
        row = session.get_one(cross_sites.CrossSiteRow, "r1")
        assert row.deadline_at == NOW + 560
        cross_sites.close(session, row, NOW + 510)
        cross_sites.keep_open(session, NOW + 900, 60)
        assert row.deadline_at == NOW + 560


def test_of_every_node_the_newest_update_that_counted(database: Database, task: str) -> None:
    document = {"task": task, "base": "0" * 64, "num_examples": 5, "num_steps": 1}
    with database.write() as session:
        first = session.get_one(TaskRow, task)
        facts = {column.key: getattr(first, column.key) for column in TaskRow.__table__.columns}
        for name, counted in (("t2", 3), ("t3", 2)):
            session.add(TaskRow(**(facts | {"id": name, "counted_in": counted})))
        first.counted_in = 1
        session.flush()
        for name, sha256 in ((task, "a"), ("t2", "b"), ("t3", "c")):
            row = session.get_one(TaskRow, name)
            row.state = str(TaskState.SUBMITTED)
            session.add(
                UpdateRow(
                    task_id=name, sha256=sha256 * 64, nbytes=1, document=document, received_at=NOW
                )
            )
            session.flush()
            updates.judge(session, row, Verdict(True, (), {}), NOW)
        (newest,) = updates.newest_of_nodes(session, "r1")
        assert newest.sha256 == "b" * 64


def test_only_runs_that_publish_are_in_each_others_way(database: Database, task: str) -> None:
    with database.write() as session:
        aside = runs.create(session, "r2", "skin", Plan(publish=False), NOW + 1)
        waiting = runs.create(session, "r3", "skin", Plan(), NOW + 2)
        assert (aside.publish, waiting.publish) == (False, True)
        assert runs.in_the_way(session, waiting) == "r1"
        assert runs.in_the_way(session, aside) is None
        transitions.move_run(session, aside, RunState.RUNNING, NOW)
        assert runs.in_the_way(session, runs.get(session, "r1")) is None


def test_what_children_should_hold_is_what_is_published(database: Database, task: str) -> None:
    with database.write() as session:
        session.get_one(RunRow, "r1").publish = False
        session.flush()
        before = versions.wanted(session, "skin")
        signature = versions.get(session, before or 0).signature
        other = versions.add(session, "skin", Plan(seed=9), signature, "9" * 64, NOW)
        row = session.get_one(RoundRow, ("r1", 1))
        row.before_id = other.id
        session.flush()
        assert versions.wanted(session, "skin") == before
        session.get_one(RunRow, "r1").publish = True
        session.flush()
        assert versions.wanted(session, "skin") == other.id


def test_the_figures_of_each_round_are_taken_out_of_its_report(
    database: Database, measuring: str
) -> None:
    report = {"loss": 0.25, "accuracy": 0.75, "auc": None, "classes": [{"roc": [[0, 0]]}]}
    with database.write() as session:
        version = session.scalar(select(VersionRow.id).where(VersionRow.weights == GLOBAL))
        for part, document in (("test", report), ("audit", report | {"loss": 9.0})):
            session.add(
                EvaluationRow(
                    version_id=version, run_id="r1", part=part, state="done", report=document, at=1
                )
            )
        session.flush()
        (run,) = comparisons.compare(session, "skin", None).runs
        (one,) = run.course
        assert one.figures == {
            "loss": 0.25,
            "accuracy": 0.75,
            "balanced_accuracy": None,
            "auc": None,
        }
