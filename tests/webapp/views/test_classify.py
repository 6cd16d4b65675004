import base64
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from federated.picture_quality import Band, Fault, PictureQuality, QualityFinding
from federated.uncertainty import Calibration, Sureness
from federated.views import Prediction
from federated.views.site import Explanation
from tests.webapp import sample
from tests.webapp.conftest import Open, shown
from tests.webapp.drawn import encoded
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
    assert "looked at the picture: the file's name, GPS position" in told
    assert "A GPS position was in the file" in told
    assert "Not a medical device, not a diagnosis" in told
    asked = servers.made("POST", "predict")[0].body
    assert sample.png() in asked
    assert b"mole.png" not in asked


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


SURENESS = Sureness(
    threshold=0.9,
    coverage=0.4,
    error_when_sure=0.05,
    error_limit=0.1433,
    sure_examples=40,
    examples=100,
)


def explained(**changes: object) -> Prediction:
    """An answer with a map whose lower right corner is yellow, and its reliability."""
    heat = np.zeros((96, 96, 4), np.uint8)
    heat[..., :3], heat[..., 3] = (68, 1, 84), 38
    heat[64:, 64:] = (253, 231, 37, 217)
    told_of = Explanation(
        method="grad-cam",
        target="malignant",
        layer="conv3",
        layers=("conv1", "conv2", "conv3"),
        grid=(12, 12),
        found=True,
    )
    facts = {
        "overlay": base64.b64encode(encoded(Image.fromarray(heat))).decode(),
        "explanation": told_of,
        "calibration": Calibration(temperature=1.31, examples=100),
        "raw_probabilities": {"malignant": 0.88, "benign": 0.12},
        "sure": False,
        "sureness": SURENESS,
    }
    return sample.prediction().model_copy(update=facts | changes)


def test_not_sure_is_told_with_what_was_measured(open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained())
    app = classified(open_app("classify"))
    told = shown(app)
    assert any("Not sure: no class reaches 90\u00a0%" in one.value for one in app.warning)
    assert "on 100 pictures that this site kept out of training" in told
    assert "the model was sure of 40 (40 %). Of those answers 2 were wrong: 5 %" in told
    assert "in truth perhaps up to 14 %" in told
    assert "temperature 1.31). The model itself said 88.0 %" in told
    assert not app.success


def test_a_sure_answer_may_still_be_wrong(open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained(sure=True))
    app = classified(open_app("classify"))
    assert "this one can be wrong too" in app.success[0].value


def test_where_sureness_cannot_be_told_the_reason_is(
    open_app: Open, servers: ScriptedServers
) -> None:
    reason = "The site has 3 labelled validation pictures."
    unknown = explained(sure=None, sureness=None, sureness_missing=reason)
    servers.scripts[CHILD]["POST predict"] = ok(unknown)
    told = shown(classified(open_app("classify")))
    assert "cannot be told here. The site has 3 labelled validation pictures" in told
    assert "The model is not sure (uncertainty 68 %)" in told


def test_the_map_lies_over_the_picture_and_says_what_it_does_not_show(
    open_app: Open, servers: ScriptedServers
) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained())
    app = classified(open_app("classify"))
    told = shown(app)
    assert "The map shows **where** the model looked, not **why**" in told
    assert "Grad-CAM at layer conv3, which tells 12 by 12 cells apart" in told
    assert len(app.get("image")) == 2
    app.slider(key="strength").set_value(0).run()
    assert len(app.get("image")) == 2
    assert len(servers.made("POST", "predict")) == 1


def test_another_layer_is_asked_for_by_name(open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained())
    app = classified(open_app("classify"))
    app.selectbox(key=f"layer-{sample.HASHES[2]}").set_value("conv1").run()
    first, second = servers.made("POST", "predict")
    assert b'name="layer"' not in first.body
    assert b'name="layer"\r\n\r\nconv1' in second.body


def test_a_map_that_cannot_be_read_costs_nothing_else(
    open_app: Open, servers: ScriptedServers
) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained(overlay="bm8gcGljdHVyZQ=="))
    app = classified(open_app("classify"))
    assert "malignant: 82.0 %" in shown(app)
    assert "does not tell where the model looked" in app.info[1].value
    assert len(app.get("image")) == 1


def press(app: AppTest, name: str) -> AppTest:
    return next(button for button in app.button if name in button.label).click().run()


def keyed(app: AppTest, kind: str, start: str) -> Any:
    """The one widget whose key begins so; it ends with the upload's own name."""
    (found,) = (one for one in app.get(kind) if str(one.key).startswith(start))
    return found


def quality(fault: Fault, band: Band) -> PictureQuality:
    findings = [
        QualityFinding(aspect="size", band="fair", fault="small", value=128),
        QualityFinding(aspect="focus", band=band, fault=fault, value=3.2),
        QualityFinding(aspect="light", band="good", fault="", value=140),
    ]
    return PictureQuality(width=160, height=128, findings=tuple(findings))


def test_a_bad_picture_is_called_for_again(open_app: Open, servers: ScriptedServers) -> None:
    servers.scripts[CHILD]["POST predict"] = ok(explained(quality=quality("blurred", "poor")))
    app = classified(open_app("classify"))
    told = shown(app)
    assert any("Take it again if you can" in one.value for one in app.warning)
    assert "Focus: poor" in told
    assert "Blurred, or nothing to see" in told
    assert "800 × 600" in told


def test_both_checklists_are_the_clinicians_alone(open_app: Open) -> None:
    app = classified(open_app("classify"))
    told = shown(app)
    assert "The score appears once A, B, C and D are filled in" in told
    assert "The score appears once you have looked for all seven" in told
    assert not any(box.value for box in app.checkbox if box.key != "consent")
    keyed(app, "button_group", "axes").set_value(2)
    keyed(app, "button_group", "segments").set_value(3)
    keyed(app, "button_group", "colours").set_value(["red", "black"])
    keyed(app, "button_group", "structures").set_value(["dots", "network", "globules"])
    keyed(app, "checkbox", "blue_white_veil").check()
    keyed(app, "checkbox", "regression").check()
    keyed(app, "checkbox", "all-seven").check()
    told = shown(app.run())
    assert "2 × 1.3 + 3 × 0.1 + 2 × 0.5 + 3 × 0.5 = 5.4" in told
    assert "From 4.75 to 5.45: suspicious" in told
    assert "3 of 10 points, 3 or more" in told
    keyed(app, "button_group", "kind-").set_value("other").run()
    assert "Seven-point checklist" not in shown(app)


def test_a_picture_is_kept_on_consent_alone_and_then_forgotten(
    open_app: Open, servers: ScriptedServers
) -> None:
    app = classified(open_app("classify"))
    assert "Let the site learn" not in shown(app)
    keyed(app, "button_group", "agreement").set_value("disagree").run()
    assert keyed(app, "selectbox", "own-class").value is None
    filled = keyed(app, "selectbox", "own-class").key
    keyed(app, "selectbox", "own-class").set_value("benign").run()
    assert next(one for one in app.button if "Add to" in one.label).disabled
    keyed(app, "checkbox", "keep-consent").check().run()
    assert not servers.made("POST", "images")
    press(app, "Add to")
    (sent,) = servers.made("POST", "images")
    assert b'name="label"\r\n\r\nbenign' in sent.body
    assert sample.png() in sent.body
    assert b"mole.png" not in sent.body
    assert "is among the pictures of site-1 now" in shown(app)

    press(app, "Delete now")
    assert "this page holds nothing of the picture" in shown(app)
    assert "malignant: 82.0 %" not in shown(app)
    assert "answered" not in app.session_state
    assert filled not in app.session_state
    app.checkbox(key="consent").check().run()
    assert app.file_uploader[0].value is None


def test_reports_are_made_when_asked_for(open_app: Open) -> None:
    app = classified(open_app("classify"))
    assert [one.label for one in app.get("download_button")] == ["Report as PDF", "Report as CSV"]


def test_the_camera_is_asked_for_only_where_it_is_chosen(open_app: Open) -> None:
    app = open_app("classify")
    app.checkbox(key="consent").check().run()
    assert not app.get("camera_input")
    keyed(app, "button_group", "source").set_value("camera").run()
    assert len(app.get("camera_input")) == 1
    assert "only to pages with HTTPS" in shown(app)
