"""What the predictor does: probabilities for one picture from the given weights. Imports Keras."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from child.reliability import Reliabilities
from child.weights import FrozenParts, load_weights
from child.worker_messages import ExplanationResult, PredictionRequest, PredictionResult
from federated.uncertainty import Calibration
from models.calibration import calibrated
from models.explain.explain import UnknownLayer, explain
from models.explain.overlay import overlay_png
from models.model_cache import ModelCache
from models.named import NamedModel
from models.predict import predict
from serving.worker_main import Call, Json

log = logging.getLogger(__name__)

KEPT_MODELS = 3
"""Models that stay in memory: one for each study in use, for few studies."""

NOT_EXPLAINED = "Where this model looked could not be computed; the child's log has the details."


class PredictorHandlers:
    """The predictor's handler, and the models that it keeps warm, each with its weights.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._models = ModelCache(KEPT_MODELS)
        self._frozen = FrozenParts()
        self._loaded: WeakKeyDictionary[NamedModel, str] = WeakKeyDictionary()
        self._reliabilities = Reliabilities(clock)

    def predict(self, arguments: Json, _call: Call) -> Json:
        """Probabilities for one picture, how far to rely on them, and where the model looked."""
        request = PredictionRequest.model_validate(arguments)
        model = self._model(request)
        pixels = np.frombuffer(base64.b64decode(request.pixels), np.uint8)
        picture = pixels.reshape(request.study.picture_shape)
        raw = predict(model, picture[None], batch_size=1)[0]
        known = self._reliabilities.of(
            model, request.sha256, request.study, request.array, request.validation
        )
        result = PredictionResult(
            raw=_floats(raw),
            probabilities=_floats(_put_right(raw, known.calibration)),
            calibration=known.calibration,
            sureness=known.sureness,
            sureness_missing=known.missing,
        )
        if request.explain:
            result = _explained(result, model, picture, request.layer)
        return result.model_dump(mode="json")

    def _model(self, request: PredictionRequest) -> NamedModel:
        """The model with the weights that are asked for."""
        model, _ = self._models.get(request.study, request.model)
        if self._loaded.get(model) != request.sha256:
            self._frozen.load(model, request.frozen)
            load_weights(model, request.weights, request.own_statistics)
            self._loaded[model] = request.sha256
        return model


def _explained(
    result: PredictionResult, model: NamedModel, picture: np.ndarray, layer: str | None
) -> PredictionResult:
    try:
        found = explain(model, picture, layer)
    except UnknownLayer as error:
        return result.model_copy(update={"known_layers": error.layers})
    except Exception:
        # An answer is worth having without a map, whatever kind of model an operator brings.
        log.exception("The model could not be explained")
        return result.model_copy(update={"explanation_missing": NOT_EXPLAINED})
    explanation = ExplanationResult(
        method=found.method,
        target=found.target,
        layer=found.layer,
        layers=found.layers,
        grid=found.grid,
        found=bool(found.map.any()),
        overlay=base64.b64encode(overlay_png(found.map)).decode(),
    )
    return result.model_copy(update={"explanation": explanation})


def _put_right(raw: np.ndarray, calibration: Calibration) -> np.ndarray:
    return raw if calibration.missing else calibrated(raw, calibration.temperature)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
