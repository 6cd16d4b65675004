"""Run as `python -m tests.models.training.several_devices`: one CPU as three devices.

Prints, as JSON, what the same trainings came to on one device and on all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from federated.training import Training
from tests.models.tiny import tiny_model, tiny_pictures

if TYPE_CHECKING:
    from models.named import NamedModel


def account(model: NamedModel, images: np.ndarray, labels: np.ndarray, training: Training) -> Any:
    from models.fit import fit

    last = fit(model, images, labels, training, seed=2).history[-1]
    weights = {name: array.ravel().tolist() for name, array in model.read().items()}
    return {"loss": last.loss, "accuracy": last.accuracy, "weights": weights}


def main() -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
    from models import runtime

    runtime.configure(threads=1, deterministic=True)
    found: dict[str, Any] = {"devices": len(tf.config.list_logical_devices("CPU"))}
    ten, six, alike = tiny_pictures(10), tiny_pictures(6), tiny_pictures(1)
    alike = (np.repeat(alike[0], 3, axis=0), np.repeat(alike[1], 3))
    plain = Training(epochs=3, batch_size=4, learning_rate=0.01, class_weights="balanced")
    whole = Training(batch_size=6)
    for name, model, data, training in (
        ("plain", {}, ten, plain),
        ("norm", {"norm": True}, six, whole),
        ("dropout", {"dropout": 0.5}, alike, whole),
    ):
        found[name] = {
            devices: account(
                tiny_model(**model), *data, training.model_copy(update={"devices": devices})
            )
            for devices in ("one", "all")
        }
    # The first device alone: all pictures alike and the same units dropped give one loss.
    one = (alike[0][:1], alike[1][:1])
    found["dropout"]["same"] = account(tiny_model(dropout=0.5), *one, whole)["loss"]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
