"""Runs of a study beside one another."""

from federated.plan import Plan
from federated.views import Comparison
from tests.webapp import compared, sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Call, Script, ScriptedServers, ok

PATH = "GET studies/skin/comparison"


def test_a_table_of_what_differs_and_what_came_out(
    open_app: Open, master: Script, servers: ScriptedServers
) -> None:
    master[PATH] = ok(compared.comparison())
    app = open_app("compare")
    assert not app.exception
    (found,) = app.table
    frame = found.value.map(lambda cell: str(cell).replace("\\", ""))
    rows = {row[0]: tuple(row[1:]) for row in frame.itertuples(index=False, name=None)}
    assert rows["model.settings.width"] == ("16", "4")
    assert rows["Stop early"] == ("not set", "not set")
    assert rows["AUC, audit pictures"] == ("★ 0.810", "0.610")
    assert rows["AUC, test pictures"] == ("0.850", "0.650")
    assert rows["Accuracy, test pictures"] == ("75.0\u00a0%", "55.0\u00a0%")
    assert rows["Time"] == ("3\u00a0min", "★ 48\u00a0s")
    assert rows["Rounds done"] == ("3 / 3", "2 / 3")
    assert rows["State"] == ("✓ completed", "▶ running")
    asked = servers.made("GET", "studies/skin/comparison")[-1]
    assert asked.query == {"runs": f"{compared.WIDE},{compared.NARROW}"}
    assert "follows width 16" in shown(app)
    assert "best of each figure on the audit pictures" in shown(app)


def test_without_audit_pictures_no_model_is_marked(open_app: Open, master: Script) -> None:
    bare = compared.comparison()
    runs = [run.model_copy(update={"audit": {}, "best": ["seconds"]}) for run in bare.runs]
    master[PATH] = ok(bare.model_copy(update={"audited": False, "runs": runs}))
    app = open_app("compare")
    titles = list(app.table[0].value.iloc[:, 0])
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


def test_one_run_is_nothing_to_compare(open_app: Open, master: Script) -> None:
    one = compared.comparison()
    master[PATH] = ok(one.model_copy(update={"runs": one.runs[:1]}))
    assert "no two runs" in shown(open_app("compare"))


def test_a_run_beside_others_is_asked_for_with_a_box(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = open_app("train")
    app.checkbox(key="beside-").check().run()
    app.checkbox(key="cross_site-").check().run()
    app.button[-1].click().run()
    (call,) = servers.made("POST", "runs")
    plan = Plan.model_validate(call.json["plan"])
    assert (plan.publish, plan.cross_site) == (False, True)


def test_a_run_that_waits_for_pictures_cannot_stand_beside(open_app: Open) -> None:
    app = open_app("train")
    assert any(box.key == "beside-" for box in app.checkbox)
    app.segmented_control(key="kind-").set_value("upload").run()
    assert not any(box.key == "beside-" for box in app.checkbox)


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
