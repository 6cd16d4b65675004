"""What the evaluator does: builds, measures and exports models. Imports Keras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from federated.study import Study
from federated.values import sha256_of
from federated.wire import TensorReader, UpdateReader, encode_weights, read_update_document
from imaging.array_file import PixelArray
from master.feature_cache import FeatureCache
from master.mirror_reader import MirrorReader
from models.export import export_keras
from models.measures import evaluate_probabilities
from models.model_cache import ModelCache
from models.named import NamedModel, build_model
from models.predict import predict
from serving.blobs import open_blob
from serving.files import write_file
from serving.worker_main import Call, Json

KEPT_MODELS = 4
BATCH = 64

NOT_FINITE = "not_finite"


class Pixels:
    """Some rows of an array file, read when they are first needed, and once.

    Args:
        message: A request that names the file and its rows.
        study: Whose pictures they are.
    """

    def __init__(self, message: Json, study: Study) -> None:
        self._array = PixelArray(Path(message["pixels"]), study.picture_shape)
        self._rows = message["rows"]
        self._read: npt.NDArray[np.uint8] | None = None

    def read(self) -> npt.NDArray[np.uint8]:
        """The pixels: uint8 (n, height, width, channels), 0 to 255."""
        if self._read is None:
            self._read = self._array.open()[self._rows]
        return self._read


class EvaluatorHandlers:
    """The evaluator's handlers, and the models that it keeps warm between them."""

    def __init__(self) -> None:
        self._models = ModelCache(KEPT_MODELS)
        self._features = FeatureCache()
        self._frozen: WeakKeyDictionary[NamedModel, str] = WeakKeyDictionary()

    def initial_model(self, message: Json, _call: Call) -> Json:
        """Builds a fresh model and writes its parts; answers the signature of each."""
        study = Study.model_validate(message["study"])
        choice = ModelChoice.model_validate(message["model"])
        pretrained = Path(message["pretrained"])
        model = build_model(study, choice, seed=message["seed"], pretrained=pretrained)
        write_file(Path(message["out"]), encode_weights(model.read()))
        if model.frozen is not None:
            write_file(Path(message["frozen_out"]), encode_weights(model.read_frozen()))
        return {
            "signature": model.signature.model_dump(mode="json"),
            "frozen": model.frozen.model_dump(mode="json") if model.frozen else None,
        }

    def report(self, message: Json, _call: Call) -> Json:
        """Measures weights on some rows of an array file."""
        study, model = self._loaded(message)
        probabilities = self._probabilities(model, message, Pixels(message, study))
        if not np.isfinite(probabilities).all():
            raise InvalidInput("The model computes values that are not numbers", code=NOT_FINITE)
        labels = np.array(message["labels"], dtype=np.int64)
        report = evaluate_probabilities(
            labels, probabilities, study.classes, intervals=message["intervals"]
        )
        return {"report": report.model_dump(mode="json")}

    def accuracies(self, message: Json, _call: Call) -> Json:
        """Accuracy of several models of one study on the same rows of an array file."""
        labels = np.array(message["labels"], dtype=np.int64)
        found = [
            None if answers is None else float(np.mean(answers.argmax(axis=1) == labels))
            for _, answers in self._answers(message)
        ]
        return {"accuracies": found}

    def answers(self, message: Json, _call: Call) -> Json:
        """The class that a model takes each row of an array file for."""
        ((_, answers),) = self._answers(message)
        return {"answers": None if answers is None else answers.argmax(axis=1).tolist()}

    def answered(self, message: Json, _call: Call) -> Json:
        """Reports of several models of one study on the same rows, and each picture's answer."""
        labels = np.array(message["labels"], dtype=np.int64)
        found = [
            None if answers is None else _answered(labels, answers, study)
            for study, answers in self._answers(message)
        ]
        return {"answered": found}

    def _answers(self, message: Json) -> Iterator[tuple[Study, np.ndarray | None]]:
        """Probabilities by each model in turn; None where one computes no numbers."""
        study = Study.model_validate(message["models"][0]["study"])
        pixels = Pixels(message, study)
        for each in message["models"]:
            named = each | {"pixels": message["pixels"], "rows": message["rows"]}
            answers = self._asked(named, pixels)
            yield study, answers if np.isfinite(answers).all() else None

    def _asked(self, named: Json, pixels: Pixels) -> np.ndarray:
        """Probabilities by one model; those of a global model are kept for the next update."""

        def compute() -> np.ndarray:
            return self._probabilities(self._loaded(named)[1], named, pixels)

        is_global = named["base"] is None
        return self._features.of(sha256_of(named), compute) if is_global else compute()

    def _probabilities(self, model: NamedModel, message: Json, pixels: Pixels) -> np.ndarray:
        """Probabilities for some rows; what is frozen looks at each picture once."""
        split = model.features
        if split is None:
            return predict(model, pixels.read(), BATCH)
        parts = ("study", "model", "frozen", "pixels", "rows")
        key = sha256_of([message[part] for part in parts])
        features = self._features.of(key, lambda: split.extract(pixels.read(), BATCH))
        return predict(split.head, features, BATCH)

    def export(self, message: Json, _call: Call) -> Json:
        """Writes a whole `.keras` file."""
        _, model = self._loaded(message)
        export_keras(model, Path(message["out"]))
        return {}

    def _loaded(self, message: Json) -> tuple[Study, NamedModel]:
        """The study and the model that a request names, with the weights that it names."""
        study = Study.model_validate(message["study"])
        model, _ = self._models.get(study, ModelChoice.model_validate(message["model"]))
        self._load_frozen(model, message["frozen"])
        _assign(model, message)
        return study, model

    def _load_frozen(self, model: NamedModel, frozen: str | None) -> None:
        """Has the frozen part in the model; it stays there, for nothing here changes it."""
        if frozen is not None and self._frozen.get(model) != frozen:
            with open_blob(Path(frozen)) as blob:
                model.assign_frozen({name: blob.get_tensor(name) for name in blob.keys()})  # noqa: SIM118
            self._frozen[model] = frozen


def _answered(labels: np.ndarray, answers: np.ndarray, study: Study) -> Json:
    report = evaluate_probabilities(labels, answers, study.classes, intervals=False)
    return {
        "report": report.model_dump(mode="json"),
        "scores": np.square(answers - np.eye(len(study.classes))[labels]).sum(axis=1).tolist(),
        "hits": (answers.argmax(axis=1) == labels).tolist(),
    }


def _assign(model: NamedModel, message: Json) -> None:
    with ExitStack() as stack:
        blob = stack.enter_context(open_blob(Path(message["weights"])))
        reader: TensorReader = blob
        if message["base"] is not None:
            base = stack.enter_context(open_blob(Path(message["base"])))
            reader = UpdateReader(blob, read_update_document(blob), base)
            if message["mirrored"]:
                reader = MirrorReader(reader, base, model.signature)
        model.assign({name: reader.get_tensor(name) for name in model.signature.names})
