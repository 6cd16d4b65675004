"""Plain Keras on the same work: what a person would write without any of this.

A worker process, so that importing TensorFlow and tracing the model are not measured, and so
that several can run side by side. `model.fit` and `model.evaluate`, nothing of ours but the
architecture.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from federated.plan import Plan
from federated.study import Study
from serving.worker_main import Call, Json, serve, take_over_pipes

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 64


class PlainKeras:
    """A compiled model and the pictures, kept between measurements.

    Args:
        arguments: `study`, `plan`, `seed`, and `files`: an `.npz` of arrays for each site,
            for the master's `test` and for its `audit`.
    """

    def __init__(self, arguments: Json) -> None:
        import keras

        from models.named import build_model

        self.plan = Plan.model_validate(arguments["plan"])
        study = Study.model_validate(arguments["study"])
        files = arguments["files"]
        self.sites = [dict(np.load(path)) for path in files["sites"]]
        self.test, self.audit = dict(np.load(files["test"])), dict(np.load(files["audit"]))
        self.model: keras.Model = build_model(study, self.plan.model, self.plan.seed).keras_model
        self.model.compile(
            optimizer=keras.optimizers.Adam(self.plan.training.learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        self.initial = self.model.get_weights()

    def in_turn(self, rounds: int) -> list[np.ndarray]:
        """Federated averaging in one process: the sites train one after the other."""
        weights: list[np.ndarray] = self.initial
        for _ in range(rounds):
            sums = [np.zeros(array.shape) for array in weights]
            total = 0
            for site in self.sites:
                self.train(weights, site)
                self.evaluate(self.audit)
                examples = len(site["train_labels"])
                total += examples
                for summed, array in zip(sums, self.model.get_weights(), strict=True):
                    summed += examples * array
            weights = [(summed / total).astype(np.float32) for summed in sums]
            self.model.set_weights(weights)
            self.evaluate(self.test)
        return weights

    def alone(self, rounds: int, number: int) -> None:
        """One site's share of the same work, with no exchange at all: the bound."""
        share = {key: array[number :: len(self.sites)] for key, array in self.test.items()}
        for _ in range(rounds):
            self.train(self.initial, self.sites[number])
            self.evaluate(self.audit)
            self.evaluate(share)

    def together(self, epochs: int) -> list[np.ndarray]:
        """All sites' training pictures in one place, the same number of epochs."""
        images = np.concatenate([site["train_images"] for site in self.sites])
        labels = np.concatenate([site["train_labels"] for site in self.sites])
        self.model.set_weights(self.initial)
        self.forget()
        training = self.plan.training
        self.model.fit(images, labels, training.batch_size, epochs, verbose=0)
        return list(self.model.get_weights())

    def train(self, weights: list[np.ndarray], site: dict[str, np.ndarray]) -> None:
        """One round at one site: fresh optimiser, the plan's epochs, validation at the end."""
        training = self.plan.training
        self.model.set_weights(weights)
        self.forget()
        self.model.fit(
            site["train_images"],
            site["train_labels"],
            training.batch_size,
            training.epochs,
            validation_data=(site["val_images"], site["val_labels"]),
            validation_batch_size=EVALUATION_BATCH,
            verbose=0,
        )

    def evaluate(self, part: dict[str, np.ndarray]) -> None:
        """Loss and accuracy on pictures, if there are any."""
        if len(part["labels"]):
            self.model.evaluate(part["images"], part["labels"], EVALUATION_BATCH, verbose=0)

    def forget(self) -> None:
        """A fresh optimiser without tracing the model again."""
        for variable in self.model.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        self.model.optimizer.learning_rate = self.plan.training.learning_rate


def main(threads: int) -> None:
    """Serves measurements; 0 threads leaves TensorFlow its own choice."""
    pipes = take_over_pipes()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    made: dict[str, PlainKeras] = {}

    def prepare(arguments: Json, request: Call) -> Json:
        made["plain"] = PlainKeras(arguments)
        return {}

    def in_turn(arguments: Json, request: Call) -> Json:
        made["plain"].in_turn(arguments["rounds"])
        return {}

    def alone(arguments: Json, request: Call) -> Json:
        made["plain"].alone(arguments["rounds"], arguments["number"])
        return {}

    def together(arguments: Json, request: Call) -> Json:
        plain = made["plain"]
        plain.model.set_weights(plain.together(arguments["epochs"]))
        return {"auc": _auc(plain)}

    handlers = {"prepare": prepare, "in_turn": in_turn, "alone": alone, "together": together}
    serve(handlers, pipes)


def _auc(plain: PlainKeras) -> float:
    """Area under the ROC curve on the test pictures; the mean over classes if several."""
    from sklearn.metrics import roc_auc_score

    probabilities: Any = plain.model.predict(plain.test["images"], verbose=0)
    labels = plain.test["labels"]
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(labels, probabilities[:, 1]))
    return float(roc_auc_score(labels, probabilities, multi_class="ovr"))


if __name__ == "__main__":
    main(int(sys.argv[1]))
