from streamlit.testing.v1 import AppTest

from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import CHILDREN, ScriptedServers, ok, refused
from webapp.desk import shared_desk

CHILD = CHILDREN["site-1"]


def classified(app: AppTest) -> AppTest:
    app.checkbox(key="consent").check().run()
    app.file_uploader[0].set_value(("mole.png", sample.png(), "image/png")).run()
    return app


def test_consent_comes_first(open_app: Open) -> None:
    app = open_app("classify")
    assert not app.get("file_uploader")
    app.checkbox(key="consent").check().run()
    assert len(app.get("file_uploader")) == 1


def test_a_picture_gets_a_distribution_and_how_sure_it_is(
    open_app: Open, servers: ScriptedServers
) -> None:
    told = shown(classified(open_app("classify")))
    assert "malignant: 82.0 %" in told
    assert "The model is not sure (uncertainty 68 %)" in told
    assert "Removed before looking: GPS position" in told
    assert "Not a medical device, not a diagnosis" in told
    assert sample.png() in servers.made("POST", "predict")[0].body


def test_the_same_picture_is_asked_about_once(open_app: Open, servers: ScriptedServers) -> None:
    app = classified(open_app("classify"))
    app.run()
    app.run()
    assert len(servers.made("POST", "predict")) == 1


def test_another_model_is_asked_again(open_app: Open, servers: ScriptedServers) -> None:
    app = classified(open_app("classify"))
    newer = sample.held(weights=sample.HASHES[1])
    servers.scripts[CHILD]["GET status"] = ok(sample.status(studies=[newer]))
    shared_desk().sites[0].child.connection.forget()
    app.run()
    assert len(servers.made("POST", "predict")) == 2


def test_the_master_is_not_needed(open_app: Open, servers: ScriptedServers) -> None:
    away = sample.status(master_reachable=False)
    servers.scripts = {CHILD: {**sample.child(), "GET status": ok(away)}}
    told = shown(classified(open_app("classify", "site")))
    assert "The master is away" in told
    assert "malignant: 82.0 %" in told


def test_an_untrained_model_warns(open_app: Open, servers: ScriptedServers) -> None:
    fresh = sample.status(studies=[sample.held(round=0, run=None)])
    servers.scripts[CHILD]["GET status"] = ok(fresh)
    warnings = [warning.value for warning in open_app("classify").warning]
    assert any("untrained model (round 0)" in warning for warning in warnings)


def test_without_a_model_nothing_is_asked(open_app: Open, servers: ScriptedServers) -> None:
    bare = sample.status(studies=[sample.held(weights=None, statistics=None)])
    servers.scripts[CHILD]["GET status"] = ok(bare)
    app = open_app("classify")
    assert "no model yet" in app.info[0].value
    assert not app.checkbox


def test_a_refused_picture_is_told_in_the_childs_words(
    open_app: Open, servers: ScriptedServers
) -> None:
    servers.scripts[CHILD]["POST predict"] = refused(422, "x", "This is not a picture.")
    app = classified(open_app("classify"))
    assert "This is not a picture." in app.error[0].value
