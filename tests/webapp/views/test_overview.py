from types import SimpleNamespace

import pytest

from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import Script, ScriptedServers, ok
from webapp import desk


def test_a_training_shows_site_by_site(open_app: Open, master: Script) -> None:
    master["GET runs"] = ok({"runs": [sample.training_run()]})
    master[f"GET runs/{sample.RUN}"] = ok(sample.training_run())
    told = shown(open_app("overview"))
    assert "Round 2 of 2" in told
    assert "Epoch 2 of 4 · loss 0.410 · accuracy 83.0 %" in told


def test_a_site_that_waits_is_the_next_step(open_app: Open, master: Script) -> None:
    asking = sample.node("clinic-c", 0, 0, state="pending")
    master["GET nodes"] = ok({"nodes": [*sample.nodes(), asking]})
    app = open_app("overview")
    assert "clinic-c asks to take part" in shown(app)
    assert "2 of 3" in shown(app)
    assert app.button(key="next").label == "Open the sites"


def test_figures_are_of_the_studys_model_and_not_of_a_run_beside_it(
    open_app: Open, master: Script
) -> None:
    own = sample.run().model_copy(update={"evaluation": {"auc": 0.81, "accuracy": 0.75}})
    plan = sample.PLAN.model_copy(update={"publish": False})
    beside = {"id": "run-beside", "plan": plan, "evaluation": {"auc": 0.53, "accuracy": 0.55}}
    master["GET runs"] = ok({"runs": [own.model_copy(update=beside), own]})
    told = {metric.label: metric.value for metric in open_app("overview").metric}
    assert told["AUC"] == "0.810"


def test_events_are_text_and_never_markup(open_app: Open, master: Script) -> None:
    hostile = sample.events()[0].model_copy(update={"text": "[click](http://evil.test)"})
    master["GET events"] = ok({"events": [hostile]})
    assert r"\[click\]" in shown(open_app("overview"))


def test_one_server_call_that_fails_leaves_the_rest(open_app: Open, master: Script) -> None:
    del master["GET events"]
    app = open_app("overview")
    assert "There is no such thing" in app.error[0].value
    assert "cnn10" in shown(app)


def test_the_study_in_the_address_is_the_one_shown(open_app: Open, master: Script) -> None:
    other = sample.STUDY.model_copy(update={"id": "texture", "name": "Textures"})
    master["GET studies"] = ok({"studies": [sample.study(), sample.study(study=other)]})
    app = open_app("overview", study="texture")
    assert app.selectbox(key="choice-study").value == "texture"
    assert "Study Textures" in shown(app)


def test_with_several_studies_each_event_names_its_own(open_app: Open, master: Script) -> None:
    assert "Round 1 averaged 2 of 2 updates\n" in shown(open_app("overview"))
    other = sample.STUDY.model_copy(update={"id": "texture", "name": "Textures"})
    master["GET studies"] = ok({"studies": [sample.study(), sample.study(study=other)]})
    assert "Round 1 averaged 2 of 2 updates · Skin lesions\n" in shown(open_app("overview"))


def test_a_master_that_goes_away_leaves_the_last_figures_and_is_told(
    open_app: Open, servers: ScriptedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    clock = SimpleNamespace(monotonic=lambda: seconds, time=lambda: sample.NOW)
    monkeypatch.setattr(desk, "time", clock)
    app = open_app("overview", "console")
    servers.scripts, seconds = {}, 60.0
    app.run()
    seconds = 102.0
    app.run()
    assert "The master has not answered for 42\u00a0s" in app.warning[0].value
    assert "cnn10" in shown(app)
    assert len(app.warning) == 1
