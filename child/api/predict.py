"""`POST /predict`: what the current global model makes of a picture; nothing is stored."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from child.api.context import services
from child.api.images import MAX_UPLOAD
from federated.errors import InvalidInput
from federated.views import Prediction
from serving.auth import AUTH

blueprint = APIBlueprint("predict", __name__, tag="Predict")


@blueprint.post("/predict")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(Prediction)
def post_predict() -> Prediction:
    """Class probabilities of one picture: multipart `file` and `study`."""
    request.max_content_length = MAX_UPLOAD
    file, study = request.files.get("file"), request.form.get("study")
    if file is None or not study:
        raise InvalidInput(
            "The form is not complete", expected="a field 'file' with a picture, and 'study'"
        )
    return services().predictor.predict(study, file.read())
