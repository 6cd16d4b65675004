"""`POST /predict`: what the current global model makes of a picture; nothing is stored."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import request

from child.api.context import services
from child.api.images import MAX_UPLOAD
from child.prediction import Wish
from federated.errors import InvalidInput
from federated.views import Prediction
from serving.auth import AUTH

blueprint = APIBlueprint("predict", __name__, tag="Predict")

LONGEST_NAME = 200
"""Characters of a layer's name."""

YES_OR_NO = {"true": True, "false": False}


@blueprint.post("/predict")
@blueprint.auth_required(AUTH, roles=["site"])
@blueprint.output(Prediction)
def post_predict() -> Prediction:
    """Class probabilities of one picture: multipart `file` and `study`.

    `explain` (`true` or `false`) says whether to compute where the model looked, `layer` at
    which of its layers; both may stand in the form or in the address.
    """
    request.max_content_length = MAX_UPLOAD
    file, study = request.files.get("file"), request.form.get("study")
    if file is None or not study:
        raise InvalidInput(
            "The form is not complete", expected="a field 'file' with a picture, and 'study'"
        )
    return services().predictor.predict(study, file.read(), _wish())


def _wish() -> Wish:
    explain = request.values.get("explain", "true").lower()
    layer = request.values.get("layer") or None
    if explain not in YES_OR_NO:
        raise InvalidInput("'explain' is not said", expected="true or false", received=explain)
    if layer is not None and len(layer) > LONGEST_NAME:
        raise InvalidInput(
            "No layer has so long a name",
            expected=f"at most {LONGEST_NAME} characters",
            received=len(layer),
            code="unknown_layer",
        )
    return Wish(explain=YES_OR_NO[explain], layer=layer)
