"""A model small enough to work out by hand, in place of the process that runs Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from federated.plan import Plan
from federated.signature import signature_of
from federated.study import Study
from federated.wire import TensorReader, UpdateReader, encode_weights, read_update_document
from imaging.array_file import PixelArray
from master.evaluation import Answered, BuiltModel, EvaluatedModel
from master.mirror_reader import MirrorReader
from master.store.pictures import LabelledRows
from models.measures import evaluate_probabilities
from serving.blobs import open_blob


def initial_weights(study: Study, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of a softmax over the mean of each channel."""
    rng = np.random.default_rng(seed)
    shape = (study.channels, len(study.classes))
    return {
        "dense/kernel": rng.normal(size=shape).astype(np.float32),
        "dense/bias": np.zeros(len(study.classes), dtype=np.float32),
    }


def frozen_weights(plan: Plan) -> dict[str, np.ndarray]:
    """What the channels' means are multiplied by first: another scale for each seed."""
    return {"base/scale": np.full(1, 2 + plan.seed, dtype=np.float32)}


class LinearEvaluator:
    """Does what `master.evaluation.Evaluator` asks for, for the linear model.

    Attributes:
        calls: Names of the calls, in order.
        failure: Raised by the next call, once, or as often as `failures` says.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failure: Exception | None = None
        self.failures = 1

    def initial_model(self, study: Study, plan: Plan, out: Path, frozen_out: Path) -> BuiltModel:
        self._note("initial_model")
        weights = initial_weights(study, plan.seed)
        out.write_bytes(encode_weights(weights))
        if plan.model.trained == "whole":
            return BuiltModel(signature_of(weights))
        frozen = frozen_weights(plan)
        frozen_out.write_bytes(encode_weights(frozen))
        return BuiltModel(signature_of(weights), signature_of(frozen))

    def report(
        self,
        model: EvaluatedModel,
        pixels: Path,
        examples: LabelledRows,
        *,
        intervals: bool = False,
    ) -> dict[str, Any]:
        self._note("report")
        return self._report(model, pixels, examples, intervals=intervals)

    def answered(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[Answered | None]:
        found: list[Answered | None] = []
        labels = np.array(examples.labels)
        for model in models:
            report = self.report(model, pixels, examples)
            probabilities = self._probabilities(model, pixels, examples)
            right = np.eye(len(model.study.classes))[labels]
            scores = np.square(probabilities - right).sum(axis=1).tolist()
            hits = (probabilities.argmax(axis=1) == labels).tolist()
            found.append(Answered(report, scores, hits))
        return found

    def accuracies(
        self, models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[float | None]:
        self._note("accuracies")
        return [
            float(self._report(model, pixels, examples, intervals=False)["accuracy"])
            for model in models
        ]

    def answers(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows
    ) -> list[int] | None:
        self._note("answers")
        return [int(label) for label in self._probabilities(model, pixels, examples).argmax(axis=1)]

    def _report(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows, *, intervals: bool
    ) -> dict[str, Any]:
        probabilities = self._probabilities(model, pixels, examples)
        labels, classes = np.array(examples.labels), model.study.classes
        report = evaluate_probabilities(labels, probabilities, classes, intervals=intervals)
        return report.model_dump(mode="json")

    def _probabilities(
        self, model: EvaluatedModel, pixels: Path, examples: LabelledRows
    ) -> np.ndarray:
        study = model.study
        images = PixelArray(pixels, study.picture_shape).open()[list(examples.rows)]
        with open_blob(model.weights) as blob:
            reader: TensorReader = blob
            if model.base is not None:
                with open_blob(model.base) as base:
                    reader = UpdateReader(blob, read_update_document(blob), base)
                    if model.mirrored:
                        reader = MirrorReader(reader, base, signature_of(initial_weights(study)))
                    kernel, bias = _read(reader)
            else:
                kernel, bias = _read(reader)
        means = images.mean(axis=(1, 2)) / 255
        if model.frozen is not None:
            with open_blob(model.frozen) as blob:
                means = means * blob.get_tensor("base/scale")
        logits = (means @ kernel + bias).astype(np.float64)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    def export(self, model: EvaluatedModel, out: Path) -> None:
        self._note("export")
        frozen = model.frozen.read_bytes() if model.frozen else b""
        out.write_bytes(frozen + model.weights.read_bytes())

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is None:
            return
        failure, self.failures = self.failure, self.failures - 1
        if self.failures == 0:
            self.failure, self.failures = None, 1
        raise failure


def _read(reader: TensorReader) -> tuple[np.ndarray, np.ndarray]:
    return reader.get_tensor("dense/kernel"), reader.get_tensor("dense/bias")
