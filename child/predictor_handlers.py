"""What the predictor does: probabilities for one picture from the given weights. Imports Keras."""

from __future__ import annotations

import base64
from weakref import WeakKeyDictionary

import numpy as np

from child.weights import load_weights
from child.worker_messages import PredictionRequest, PredictionResult
from models.model_cache import ModelCache
from models.named import NamedModel
from models.predict import predict
from serving.worker_main import Call, Json

KEPT_MODELS = 3
"""Models that stay in memory: one for each study in use, for few studies."""


class PredictorHandlers:
    """The predictor's handler, and the models that it keeps warm, each with its weights."""

    def __init__(self) -> None:
        self._models = ModelCache(KEPT_MODELS)
        self._loaded: WeakKeyDictionary[NamedModel, str] = WeakKeyDictionary()

    def predict(self, arguments: Json, _call: Call) -> Json:
        """Probabilities for one picture."""
        request = PredictionRequest.model_validate(arguments)
        model, _ = self._models.get(request.study, request.model)
        if self._loaded.get(model) != request.sha256:
            load_weights(model, request.weights)
            self._loaded[model] = request.sha256
        pixels = np.frombuffer(base64.b64decode(request.pixels), np.uint8)
        picture = pixels.reshape(1, *request.study.picture_shape)
        probabilities = predict(model, picture, batch_size=1)[0]
        result = PredictionResult(probabilities=tuple(float(p) for p in probabilities))
        return result.model_dump(mode="json")
