"""Predictions by the real predictor process, against the same model in this process."""

import io
import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from child.prediction import normalised_entropy
from federated.plan import ModelChoice, Plan
from federated.wire import encode_weights
from imaging.resize import to_model_pixels
from tests.child.conftest import STUDY, picture, study_push

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


@pytest.mark.parametrize(
    ("probabilities", "uncertainty"),
    # -(0.9 ln 0.9 + 0.1 ln 0.1) / ln 2 = 0.4690
    [([0.5, 0.5], 1.0), ([1.0, 0.0], 0.0), ([0.9, 0.1], 0.4690), ([0.25] * 4, 1.0)],
)
def test_uncertainty_of_known_probabilities(probabilities, uncertainty):
    assert normalised_entropy(probabilities) == pytest.approx(uncertainty, abs=1e-4)


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=10))
def test_uncertainty_lies_between_sure_and_a_guess(weights):
    total = sum(weights)
    assert 0 <= normalised_entropy([weight / total for weight in weights]) <= 1
