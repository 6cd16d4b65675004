"""What the predictor does: probabilities for one picture from the given weights. Imports Keras."""

from __future__ import annotations

import base64

import numpy as np

from child.model_shelf import ModelShelf, load_weights
from child.orders import ModelOrder, PredictionOrder, PredictionReport
from models.predict import predict
from serving.worker_main import Json, Request


class Opinions:
    """The predictor's handler, and the models that it keeps warm, each with its weights."""

    def __init__(self) -> None:
        self._shelf = ModelShelf()
        self._loaded: dict[str, str] = {}

    def predict(self, arguments: Json, _request: Request) -> Json:
        """Probabilities for one picture."""
        order = PredictionOrder.model_validate(arguments)
        choice = ModelOrder(study=order.study, model=order.model)
        model, built = self._shelf.get(choice)
        if built or self._loaded.get(choice.key) != order.sha256:
            load_weights(model, order.weights)
            self._loaded[choice.key] = order.sha256
        pixels = np.frombuffer(base64.b64decode(order.pixels), np.uint8)
        picture = pixels.reshape(1, *order.study.picture_shape)
        probabilities = predict(model, picture, batch_size=1)[0]
        report = PredictionReport(probabilities=tuple(float(p) for p in probabilities))
        return report.model_dump(mode="json")
