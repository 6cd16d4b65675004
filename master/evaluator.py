"""The evaluation process: the one place of the master where TensorFlow lives.

Started by the server as `python -m master.evaluator`; speaks JSON lines over its pipes.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from federated.errors import InvalidInput
from federated.plan import ModelChoice
from federated.study import Study
from federated.wire import TensorReader, UpdateReader, encode_weights, read_update_document
from imaging.array_file import PixelArray
from models import runtime
from models.measures import evaluate_probabilities
from models.named import NamedModel, build_model
from models.predict import predict
from serving.blobs import open_blob
from serving.worker_main import Request, serve, take_over_stdout

Json = dict[str, Any]

KEPT_MODELS = 4
BATCH = 64

NOT_FINITE = "not_finite"


class Models:
    """Models built before, by study and architecture: building one costs a second.

    Only a few are kept, the least recently used go first.
    """

    def __init__(self) -> None:
        self._built: dict[str, NamedModel] = {}

    def of(self, message: Json) -> NamedModel:
        """The model that a request names; its weights are whatever was last assigned."""
        study = Study.model_validate(message["study"])
        choice = ModelChoice.model_validate(message["model"])
        key = study.model_dump_json() + choice.model_dump_json()
        model = self._built.pop(key, None) or build_model(study, choice, seed=0)
        self._built[key] = model
        while len(self._built) > KEPT_MODELS:
            del self._built[next(iter(self._built))]
        return model

    def initial_model(self, message: Json, _request: Request) -> Json:
        """Builds a fresh model and writes its weights; answers its signature."""
        study = Study.model_validate(message["study"])
        choice = ModelChoice.model_validate(message["model"])
        model = build_model(study, choice, seed=message["seed"])
        _write(Path(message["out"]), encode_weights(model.read()))
        return {"signature": model.signature.model_dump(mode="json")}

    def report(self, message: Json, _request: Request) -> Json:
        """Measures weights on some rows of an array file."""
        model, study = self.of(message), Study.model_validate(message["study"])
        _assign(model, message)
        images = Rows(PixelArray(Path(message["pixels"]), study.picture_shape), message["rows"])
        probabilities = predict(model, images.gather(), BATCH)
        if not np.isfinite(probabilities).all():
            raise InvalidInput("The model computes values that are not numbers", code=NOT_FINITE)
        labels = np.array(message["labels"], dtype=np.int64)
        report = evaluate_probabilities(labels, probabilities, study.classes)
        return {"report": report.model_dump(mode="json")}

    def export(self, message: Json, _request: Request) -> Json:
        """Writes a whole `.keras` file."""
        from models.export import export_keras

        model = self.of(message)
        _assign(model, message)
        export_keras(model, Path(message["out"]))
        return {}


class Rows:
    """Some rows of an array file, in an order of their own."""

    def __init__(self, array: PixelArray, rows: list[int]) -> None:
        self._images = array.open()
        self._rows = np.array(rows, dtype=np.int64)

    def gather(self) -> np.ndarray:
        """The rows themselves, uint8 `(n, height, width, channels)`."""
        return self._images[self._rows]


def _assign(model: NamedModel, message: Json) -> None:
    with ExitStack() as stack:
        blob = stack.enter_context(open_blob(Path(message["weights"])))
        reader: TensorReader = blob
        if message["base"] is not None:
            base = stack.enter_context(open_blob(Path(message["base"])))
            reader = UpdateReader(blob, read_update_document(blob), base)
        model.assign({name: reader.get_tensor(name) for name in model.signature.names})


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Answers requests until the server is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    messages = take_over_stdout()
    runtime.configure(arguments.threads, deterministic=True)
    models = Models()
    handlers = {
        "initial_model": models.initial_model,
        "report": models.report,
        "export": models.export,
    }
    serve(handlers, messages)


if __name__ == "__main__":
    main()
