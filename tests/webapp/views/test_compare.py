"""Runs of a study beside one another."""

import pandas as pd
import pytest

from federated.plan import Plan
from federated.views import Comparison
from tests.webapp import compared, sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Call, Script, ScriptedServers, ok
from webapp.views.compare import as_csv
from webapp.views.compare_paired import adjusted

PATH = "GET studies/skin/comparison"


def test_a_table_of_what_differs_and_what_came_out(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    master[PATH] = ok(compared.comparison())
    app = open_app("compare")
    assert not app.exception
    settings, came_out, pairs = (one.value for one in app.table)
    frame = pd.concat([settings, came_out]).map(lambda cell: str(cell).replace("\\", ""))
    rows = {row[0]: tuple(row[1:]) for row in frame.itertuples(index=False, name=None)}
    assert list(pairs["p-value"]) == ["0.510"]
    assert rows["Width"] == ("16", "4")
    assert rows["Stop early"] == ("not set", "not set")
    assert rows["AUC, audit pictures"] == ("★ 0.810", "0.610")
    assert rows["AUC, test pictures"] == ("0.850", "0.650")
    assert rows["Accuracy, test pictures"] == ("75.0\u00a0%", "55.0\u00a0%")
    assert rows["Time"] == ("3\u00a0min", "★ 48\u00a0s")
    assert rows["Rounds done"] == ("3 / 3", "2 / 3")
    assert rows["State"] == ("✓ completed", "▶ running")
    # Both runs that there are: they are asked for once.
    (asked,) = servers.made("GET", "studies/skin/comparison")
    assert asked.query == {}
    assert "follows width 16" in shown(app)
    assert "best of each figure on the audit pictures" in shown(app)


def test_what_is_searched_is_told_in_one_row(open_app: Open, master: Script) -> None:
    bare = compared.comparison()
    space = {"search.space.learning_rate.0": 0.001, "search.space.dropout.0": 0.0}
    none = dict.fromkeys(space)
    wide, narrow = bare.runs
    runs = [
        wide.model_copy(update={"differs": space | {"deadline_seconds": 600.0}}),
        narrow.model_copy(update={"differs": none | {"deadline_seconds": 3600.0}}),
    ]
    settings = ["deadline_seconds", *space]
    master[PATH] = ok(bare.model_copy(update={"settings": settings, "runs": runs}))
    table = open_app("compare").table[0].value
    assert [*table.iloc[1]][1:] == ["Learning rate, Dropout", "not set"]
    assert [*table.iloc[0]][1:] == ["10\u00a0min", "60\u00a0min"]


def test_without_audit_pictures_no_model_is_marked(open_app: Open, master: Script) -> None:
    bare = compared.comparison()
    runs = [run.model_copy(update={"audit": {}, "best": ["seconds"]}) for run in bare.runs]
    master[PATH] = ok(bare.model_copy(update={"audited": False, "runs": runs}))
    app = open_app("compare")
    titles = list(app.table[1].value.iloc[:, 0])
    assert "AUC, test pictures" in titles
    assert "AUC, audit pictures" not in titles
    assert "the master has no audit pictures" in shown(app)


def test_the_runs_of_the_address_are_compared(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    third = compared.run("run-third", 8, (0.5,), [])
    three = compared.comparison()
    three = three.model_copy(update={"runs": [*three.runs, third]})

    def answer(call: Call):
        asked = call.query.get("runs")
        runs = [run for run in three.runs if asked is None or run.id in asked.split(",")]
        return ok(three.model_copy(update={"runs": runs}))

    master[PATH] = answer
    app = open_app("compare", runs="run-third,run-narrow")
    assert app.multiselect(key="compared").value == ["run-third", "run-narrow"]
    app.multiselect(key="compared").set_value(["run-third"]).run()
    assert "Choose at least two runs" in shown(app)


def test_whether_models_differ_by_more_than_chance(open_app: Open, master: Script) -> None:
    app = open_app("compare")
    told = shown(app).replace("\\", "")
    assert "are 5.0 points apart, which may well be chance" in told
    assert "width 4 · run-narr −5.0 points (95 %: −11.0 to +1.0)" in told
    assert [one.label for one in app.download_button] == ["Comparison (CSV)", "All rounds (CSV)"]
    master["GET studies/skin/paired"] = ok(sample.paired(0.003, compared.NARROW, compared.WIDE))
    again = open_app("compare", **{"with": compared.NARROW})
    assert again.selectbox(key="choice-with").value == compared.NARROW
    assert "is worse than width 4 · run-narr by 5.0 points" in shown(again).replace("\\", "")
    bare = sample.paired(1.0, compared.WIDE).model_copy(update={"num_examples": 0})
    master["GET studies/skin/paired"] = ok(bare)
    assert "The master has no test pictures" in shown(open_app("compare"))


def test_several_questions_at_once_are_corrected_for() -> None:
    # Holm: 3 × 0.01, 2 × 0.02, then never less than the one before.
    assert adjusted([0.04, 0.01, None, 0.02]) == pytest.approx([0.04, 0.03, None, 0.04])
    assert adjusted([0.6, 0.9]) == [1.0, 1.0]


def test_what_is_taken_away_holds_no_formula() -> None:
    written = as_csv([{"=run": "@sum(A1)", "value": 0.5}, {"=run": "plain", "value": None}])
    assert written.splitlines() == ["'=run,value", "'@sum(A1),0.5", "plain,"]


def test_one_run_is_nothing_to_compare(open_app: Open, master: Script) -> None:
    one = compared.comparison()
    master[PATH] = ok(one.model_copy(update={"runs": one.runs[:1]}))
    assert "no two runs" in shown(open_app("compare"))


def test_a_run_beside_others_is_asked_for_with_a_box(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.checkbox(key="publish-").uncheck().run()
    app.checkbox(key="cross_site-").check().run()
    next(b for b in app.button if b.label == "Start the run").click().run()
    next(b for b in app.button if b.label == "Start now").click().run()
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert (plan.publish, plan.cross_site) == (False, True)


def test_a_run_that_waits_for_pictures_cannot_stand_beside(open_app: Open) -> None:
    app = open_app("train")
    assert any(box.key == "publish-" for box in app.checkbox)
    app.segmented_control(key="kind-").set_value("upload").run()
    assert not any(box.key == "publish-" for box in app.checkbox)


def test_results_show_each_sites_model_at_the_other_sites(open_app: Open, master: Script) -> None:
    run = sample.run(plan=sample.PLAN.model_copy(update={"cross_site": True}))
    master["GET runs"] = ok({"runs": [run]})
    master[f"GET runs/{sample.RUN}"] = ok(run)
    master[f"GET runs/{sample.RUN}/cross-site"] = ok(compared.cross_site())
    app = open_app("results", tab="sites")
    assert not app.exception
    told = shown(app).replace("\\", "")
    # At home (0.9 + 0.75) / 2, away (0.5 + 0.4) / 2, the global model (0.8 + 0.7) / 2.
    assert "0.825 for a site's model at home, 0.450 for it at another site, 0.750" in told
    assert "Only 3 pictures judge here (too_few_examples)" in told
    assert "Cannot be read: it is gone" in told
    master[f"GET runs/{sample.RUN}/cross-site"] = ok(compared.cross_site("open"))
    assert "The sites are measuring" in shown(open_app("results", tab="sites"))


def test_comparisons_of_runs_that_have_no_round_yet(open_app: Open, master: Script) -> None:
    bare = Comparison(
        study="skin",
        settings=["seed"],
        columns=compared.COLUMNS,
        runs=[
            compared.run(name, 4, (0.5,), []).model_copy(
                update={"course": [], "figures": {}, "rounds": 0}
            )
            for name in (compared.NARROW, compared.WIDE)
        ],
    )
    master[PATH] = ok(bare)
    app = open_app("compare")
    assert not app.exception
    assert "no figures of AUC yet" in shown(app)
