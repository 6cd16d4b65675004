"""Prediction seen from the server: a picture in, probabilities out; nothing is stored."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from child.local_statistics import LocalStatistics
from child.store.measured import Measured, MeasuredStore
from child.store.studies import StudyStore
from child.worker_messages import (
    Examples,
    ExplanationResult,
    PredictionRequest,
    PredictionResult,
)
from federated.errors import Conflict, InvalidInput
from federated.messages import StudyPush
from federated.study import Study
from federated.values import sha256_of
from federated.views import Prediction
from federated.views.site import Explanation
from imaging.quality import picture_quality
from imaging.resize import to_model_pixels
from imaging.sanitise import DEFAULT_LIMITS, Limits, TakenPicture, take_in
from models.calibration import normalised_entropy
from serving.blobs import BlobStore
from serving.worker import Worker, WorkerDied

NAMES_A_LINE = 8


@dataclass(frozen=True, slots=True)
class OwnPictures:
    """The site's pictures, as far as they are needed to tell how reliable a model is.

    Attributes:
        array: The array file of a study's pictures.
        validation: Those of its pictures that no model was trained on.
    """

    array: Callable[[Study], Path]
    validation: Callable[[Study], Examples]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for beside probabilities.

    Attributes:
        explain: Whether to tell where the model looked.
        layer: The layer to look at; None for the last one that finds something.
    """

    explain: bool = True
    layer: str | None = None


class Predictor:
    """Asks the predictor process; it is started when first needed.

    Args:
        worker: The process; module `child.predictor`.
        studies: Where the current model of a study stands.
        blobs: Where its weights lie.
        pictures: Where the site's own pictures lie.
        statistics: BatchNorm's statistics that this site keeps to itself.
        measured: Keeps how far models can be relied on.
        limits: How large a picture may be.
    """

    def __init__(
        self,
        worker: Worker,
        studies: StudyStore,
        blobs: BlobStore,
        pictures: OwnPictures,
        statistics: LocalStatistics,
        measured: MeasuredStore,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._worker = worker
        self._studies = studies
        self._blobs = blobs
        self._pictures = pictures
        self._statistics = statistics
        self._measured = measured
        self._limits = limits

    def predict(self, study_id: str, data: bytes, wish: Wish = Wish()) -> Prediction:
        """What the study's current global model makes of a JPEG or PNG file.

        Raises:
            NotFound: There is no such study.
            Conflict: No model has come yet.
            RefusedPicture: The file is no picture that can be looked at.
            InvalidInput: The model has no such layer as was asked for.
        """
        current = self._studies.get(study_id).current
        if current is None:
            raise Conflict(
                "There is no model to predict with yet",
                expected="a global model from the master",
                code="no_model",
            )
        picture = take_in(data, self._limits)
        result = self._ask(self._request(current, picture, wish))
        if result.known_layers is not None:
            raise _unknown_layer(wish.layer, result.known_layers)
        self._measured.keep(study_id, _measured(current, result))
        own = self._own_statistics(current) is not None
        return _prediction(current, result, picture, own_statistics=own)

    def measured(self, push: StudyPush) -> Measured | None:
        """How far a model can be relied on; None where it has seen no picture here yet."""
        return self._measured.of(push.study.id, push.blobs)

    def _own_statistics(self, push: StudyPush) -> Path | None:
        """What this site puts on to predict, where the plan lets it keep its own statistics."""
        keeps_own = push.plan.strategy.batch_norm == "local"
        return self._statistics.of_run(push.run) if keeps_own else None

    def stop(self) -> None:
        """Ends the process."""
        self._worker.stop()

    def _ask(self, request: PredictionRequest) -> PredictionResult:
        arguments = request.model_dump(mode="json")
        try:
            answer = self._worker.call("predict", arguments)
        except WorkerDied:
            # Once: a process that the system ended is replaced without anybody noticing.
            answer = self._worker.call("predict", arguments)
        return PredictionResult.model_validate(answer)

    def _request(self, push: StudyPush, picture: TakenPicture, wish: Wish) -> PredictionRequest:
        pixels = to_model_pixels(picture.pixels, push.study.size, push.study.channels)
        own = self._own_statistics(push)
        return PredictionRequest(
            study=push.study,
            model=push.plan.model,
            sha256=_name_of(push, own),
            weights=self._blobs.path(push.weights),
            frozen=self._blobs.path(push.frozen) if push.frozen else None,
            own_statistics=own,
            pixels=base64.b64encode(pixels.tobytes()).decode(),
            explain=wish.explain,
            layer=wish.layer,
            array=self._pictures.array(push.study),
            validation=self._pictures.validation(push.study),
        )


def _name_of(push: StudyPush, own: Path | None) -> str:
    """A name for a model with all its parts."""
    if push.frozen is None and own is None:
        return push.weights
    return sha256_of([push.weights, push.frozen, own and own.stat().st_mtime_ns])


def _unknown_layer(name: str | None, known: tuple[str, ...]) -> InvalidInput:
    lines = [known[start : start + NAMES_A_LINE] for start in range(0, len(known), NAMES_A_LINE)]
    return InvalidInput(
        "The model has no such layer to look at",
        expected="one of these layers" if known else "no 'layer': it has no convolution",
        received=repr(name),
        code="unknown_layer",
        reasons=[", ".join(line) for line in lines],
    )


def _measured(push: StudyPush, result: PredictionResult) -> Measured:
    return Measured(
        blobs=tuple(sorted(push.blobs)),
        calibration=result.calibration,
        sureness=result.sureness,
        sureness_missing=result.sureness_missing,
    )


def _prediction(
    push: StudyPush, result: PredictionResult, picture: TakenPicture, *, own_statistics: bool
) -> Prediction:
    known, explanation = result.sureness, result.explanation
    return Prediction(
        study=push.study.id,
        probabilities=_by_class(push.study, result.probabilities),
        uncertainty=normalised_entropy(result.probabilities),
        weights=push.weights,
        run=push.run,
        round=push.round,
        own_statistics=own_statistics,
        removed=tuple(sorted(picture.metadata.words)),
        changed=picture.changed,
        quality=picture_quality(picture.pixels, (picture.width, picture.height), push.study.size),
        overlay=explanation.overlay if explanation else None,
        raw_probabilities=_by_class(push.study, result.raw),
        calibration=result.calibration,
        sure=max(result.probabilities) >= known.threshold if known else None,
        sureness=known,
        sureness_missing=result.sureness_missing,
        explanation=_explanation(push.study, explanation) if explanation else None,
        explanation_missing=result.explanation_missing,
    )


def _by_class(study: Study, probabilities: Sequence[float]) -> dict[str, float]:
    """Most probable first."""
    named = zip(study.classes, probabilities, strict=True)
    return dict(sorted(named, key=lambda pair: -pair[1]))


def _explanation(study: Study, found: ExplanationResult) -> Explanation:
    return Explanation(
        method=found.method,
        target=study.classes[found.target],
        layer=found.layer,
        layers=found.layers,
        grid=found.grid,
        found=found.found,
    )
