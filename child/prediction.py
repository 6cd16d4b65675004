"""Prediction seen from the server: a picture in, probabilities out; nothing is stored."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from child.store.studies import StudyStore
from child.worker_messages import PredictionRequest, PredictionResult
from federated.errors import Conflict
from federated.messages import StudyPush
from federated.views import Prediction
from imaging.resize import to_model_pixels
from imaging.sanitise import DEFAULT_LIMITS, Limits, SanitisedPicture, sanitise
from serving.blobs import BlobStore
from serving.worker import Worker, WorkerDied


class Predictor:
    """Asks the predictor process; it is started when first needed.

    Args:
        worker: The process; module `child.predictor`.
        studies: Where the current model of a study stands.
        blobs: Where its weights lie.
        limits: How large a picture may be.
    """

    def __init__(
        self,
        worker: Worker,
        studies: StudyStore,
        blobs: BlobStore,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._worker = worker
        self._studies = studies
        self._blobs = blobs
        self._limits = limits

    def predict(self, study_id: str, data: bytes) -> Prediction:
        """What the study's current global model makes of a JPEG or PNG file.

        Raises:
            NotFound: There is no such study.
            Conflict: No model has come yet.
            RefusedPicture: The file is no picture that can be looked at.
        """
        current = self._studies.get(study_id).current
        if current is None:
            raise Conflict(
                "There is no model to predict with yet",
                expected="a global model from the master",
                code="no_model",
            )
        picture = sanitise(data, self._limits)
        probabilities = self._ask(_request(current, picture, self._blobs))
        return _prediction(current, probabilities, picture.removed)

    def stop(self) -> None:
        """Ends the process."""
        self._worker.stop()

    def _ask(self, request: PredictionRequest) -> tuple[float, ...]:
        arguments = request.model_dump(mode="json")
        try:
            answer = self._worker.call("predict", arguments)
        except WorkerDied:
            # Once: a process that the system ended is replaced without anybody noticing.
            answer = self._worker.call("predict", arguments)
        return PredictionResult.model_validate(answer).probabilities


def normalised_entropy(probabilities: Sequence[float]) -> float:
    """Entropy over that of a pure guess: 0 sure, 1 a pure guess; at least two classes."""
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return min(1.0, max(0.0, entropy / math.log(len(probabilities))))


def _request(push: StudyPush, picture: SanitisedPicture, blobs: BlobStore) -> PredictionRequest:
    pixels = to_model_pixels(picture.pixels, push.study.size, push.study.channels)
    return PredictionRequest(
        study=push.study,
        model=push.plan.model,
        sha256=push.weights,
        weights=blobs.path(push.weights),
        pixels=base64.b64encode(pixels.tobytes()).decode(),
    )


def _prediction(
    push: StudyPush, probabilities: tuple[float, ...], removed: tuple[str, ...]
) -> Prediction:
    by_class = zip(push.study.classes, probabilities, strict=True)
    return Prediction(
        study=push.study.id,
        probabilities=dict(sorted(by_class, key=lambda pair: -pair[1])),
        uncertainty=normalised_entropy(probabilities),
        weights=push.weights,
        run=push.run,
        round=push.round,
        removed=removed,
    )
