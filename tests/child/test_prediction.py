"""Predictions by the real predictor process, against the same model in this process."""

import base64
import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import ExifTags, Image

from federated.plan import ModelChoice, Plan
from federated.wire import encode_weights
from imaging.resize import to_model_pixels
from tests.child.conftest import STUDY, named, picture, study_push

PLAN = Plan(model=ModelChoice(settings={"width": 4, "units": 4}))


def test_a_prediction_is_that_of_the_current_weights(site, keras_runtime):
    from models.named import build_model
    from models.predict import predict

    file = picture(1, (40, 30))
    pixels = to_model_pixels(np.array(Image.open(io.BytesIO(file))), STUDY.size, STUDY.channels)
    worker = site.child.predictor._worker
    for seed in (1, 2):
        model = build_model(STUDY, PLAN.model, seed)
        blob = encode_weights(model.read())
        push = study_push(blob, model.signature, PLAN, round=seed, run=f"run-{seed}")
        site.child.blobs.put(blob)
        site.child.models.push(push)
        answer = site.post("/api/v1/predict", [("x.png", file)], {"study": "skin"})
        assert answer.status_code == 200, answer.text
        expected = dict(zip(STUDY.classes, predict(model, pixels[None])[0], strict=True))
        assert answer.json["probabilities"] == pytest.approx(expected, abs=1e-5)
        probabilities = list(answer.json["probabilities"].values())
        assert probabilities == sorted(probabilities, reverse=True)
        assert (answer.json["weights"], answer.json["round"]) == (push.weights, seed)
    # A process that the system ended is replaced without anybody noticing.
    before = worker.pid
    os.kill(before, signal.SIGKILL)
    again = site.post("/api/v1/predict", [("x.png", file)], {"study": "skin"})
    assert again.json["probabilities"] == answer.json["probabilities"]
    assert worker.pid != before
    assert site.child.pictures.places("skin") == {}
    assert list(site.child.state.pictures.iterdir()) == []


class InThisProcess:
    """The predictor's own handlers without their process, whose start the test above pays for."""

    def __init__(self):
        from child.predictor_handlers import PredictorHandlers

        self._handlers = PredictorHandlers()

    def call(self, name, arguments):
        return getattr(self._handlers, name)(json.loads(json.dumps(arguments)), None)

    def stop(self):
        """There is no process."""


def hold_model(site, seed=1):
    """Gives the site a model with fresh weights; returns it."""
    from models.named import build_model

    site.child.predictor._worker = InThisProcess()
    model = build_model(STUDY, PLAN.model, seed)
    blob = encode_weights(model.read())
    site.child.blobs.put(blob)
    site.child.models.push(study_push(blob, model.signature, PLAN, round=1))
    return model


def asked(site, **form):
    return site.post("/api/v1/predict", [("x.png", picture(1, (40, 30)))], {"study": "skin"} | form)


def test_it_tells_where_the_model_looked(site, keras_runtime):
    hold_model(site)
    answer = asked(site).json
    told = answer["explanation"]
    # Pictures of 12 px leave the third convolution a grid of 2 by 2 cells.
    assert (told["method"], told["layer"], told["grid"]) == ("grad-cam", "conv3", [2, 2])
    assert told["target"] == next(iter(answer["probabilities"]))
    overlay = Image.open(io.BytesIO(base64.b64decode(answer["overlay"])))
    assert (overlay.format, overlay.mode, overlay.size) == ("PNG", "RGBA", (12, 12))
    finer = asked(site, layer="conv1").json["explanation"]
    assert (finer["layer"], finer["grid"]) == ("conv1", [6, 6])
    unknown = asked(site, layer="conv9")
    assert (unknown.status_code, unknown.json["error"]) == (422, "unknown_layer")
    assert unknown.json["reasons"] == ["conv1, pool1, conv2, pool2, conv3, pool3."]
    assert asked(site, layer="x" * 201).status_code == 422
    plain = asked(site, explain="false").json
    assert (plain["overlay"], plain["explanation"]) == (None, None)
    assert plain["probabilities"] == answer["probabilities"]
    assert asked(site, explain="perhaps").status_code == 422
    assert list(site.child.state.pictures.iterdir()) == []


def test_it_tells_what_it_dropped_and_how_good_the_picture_is(site, keras_runtime):
    hold_model(site)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (51.0, 28.0, 40.1)
    file = picture(1, (30, 40), format="JPEG", exif=exif)
    told = site.post("/api/v1/predict", [("x.jpg", file)], {"study": "skin"}).json
    assert "GPS position" in told["removed"]
    assert told["changed"] == ["turned upright"]
    quality = told["quality"]
    assert (quality["width"], quality["height"]) == (30, 40)
    assert [(one["aspect"], one["fault"]) for one in quality["findings"]] == [
        ("size", "small"),
        ("focus", ""),
        ("light", ""),
    ]


def test_a_site_puts_the_probabilities_right_on_its_own_validation_part(site, keras_runtime):
    from models.calibration import calibrate, calibrated
    from models.predict import predict

    model = hold_model(site, seed=4)
    few = asked(site).json
    assert (few["calibration"]["temperature"], few["sure"]) == (1.0, None)
    assert few["probabilities"] == few["raw_probabilities"]
    assert "has 0 labelled validation pictures" in few["sureness_missing"]

    assert site.upload(*named(60)).status_code == 201
    site.child.pictures.deal("skin", "task-1", fraction=0.5, seed=0)
    judging = site.child.pictures.judging("skin", STUDY.classes, most=100)
    pixels = site.child.folder.array(STUDY).open()[[example.row for example in judging]]
    labels = np.array([STUDY.classes.index(example.label) for example in judging])
    expected = calibrate(predict(model, pixels), labels)
    assert expected.temperature != 1

    answer = asked(site).json
    assert answer["calibration"]["examples"] == len(judging) == 30
    assert answer["calibration"]["temperature"] == pytest.approx(expected.temperature, rel=1e-3)
    raw = np.array([few["raw_probabilities"][name] for name in STUDY.classes])
    shares = dict(zip(STUDY.classes, calibrated(raw, expected.temperature), strict=True))
    assert answer["probabilities"] == pytest.approx(shares, abs=1e-4)
    # Half of them is to choose from where on an answer is sure, and half to measure that.
    assert (answer["sureness"], answer["sure"]) == (None, None)
    assert "has 30 labelled" in answer["sureness_missing"]
    assert "40 are needed" in answer["sureness_missing"]


def test_what_was_measured_is_known_after_a_restart_and_of_that_model_alone(
    site, make_child, keras_runtime
):
    hold_model(site)
    push = site.child.studies.get("skin").current
    assert site.child.predictor.measured(push) is None
    answer = asked(site).json
    site.child.close()
    again = make_child()
    known = again.predictor.measured(push)
    assert known.calibration.model_dump() == answer["calibration"]
    assert known.sureness_missing == answer["sureness_missing"]
    assert again.predictor.measured(push.model_copy(update={"weights": "0" * 64})) is None
