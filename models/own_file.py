"""A `.keras` file from a stranger, read without running anything that it says.

The file is a zip archive with the model's JSON and an HDF5 file of its weights. Keras itself
would build what the JSON names; here it is looked through first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save

from federated.errors import InvalidInput, TooLarge
from federated.plan import ModelChoice
from models.h5_files import check_h5
from models.layer_names import rename_all
from models.layer_variables import named_variables
from models.own_config import MOST_CHARACTERS, checked_config, objects
from models.own_model import MOST_PARAMETERS, all_layers, build_own

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_BYTES = 4 * 4 * MOST_PARAMETERS
"""Weights of four bytes, and an optimiser's that may lie beside them."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """What a `.keras` file holds.

    Attributes:
        config: The model as Keras's JSON, without what it was compiled with.
        weights: Its tensors by canonical name.
    """

    config: str
    weights: dict[str, np.ndarray]


def read_own_file(path: Path) -> OwnFile:
    """The model and the weights of a `.keras` file, its tensors named by class and place.

    Args:
        path: The file; from a stranger.

    Raises:
        InvalidInput: It is no such file, or holds anything but Keras's own layers.
        TooLarge: It is larger than any model that is admitted.
    """
    config, model = read_model(path)
    try:
        _settle_scaling(config, model)
    except ValueError as error:
        raise _broken(path, "a Normalization that is no layer of the model") from error
    rename_all(model)
    tensors = {
        name: np.array(keras.ops.convert_to_numpy(variable))
        for name, variable in named_variables(model).items()
    }
    return OwnFile(json.dumps(config, sort_keys=True), tensors)


def read_model(path: Path) -> tuple[dict[str, Any], keras.Model]:
    """The checked configuration of a `.keras` file, and its model, named as in the file.

    Raises:
        InvalidInput: It is no such file, or holds anything but Keras's own layers.
        TooLarge: It is larger than any model that is admitted.
    """
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / WEIGHTS
        config = checked_config(_unpack(path, weights))
        model = build_own(config, seed=0)
        check_h5(weights, 4 * model.count_params() + 64)
        try:
            model.load_weights(weights)
        except Exception as error:
            # Keras raises whatever a file that it did not expect led it to.
            raise _broken(path, f"its weights are not those of its model: {error}") from error
    return config, model


def choose_own(file: OwnFile, folder: Path, **changes: Any) -> ModelChoice:
    """The plan's choice of this model with its weights, which it writes for that.

    Args:
        file: The model.
        folder: The folder of pretrained weights.
        **changes: Other fields of the choice, such as `trained`.

    Raises:
        OSError: The folder cannot be written to.
    """
    blob = save(file.weights)
    name = f"own-{hashlib.sha256(blob).hexdigest()[:16]}.safetensors"
    (folder / name).write_bytes(blob)
    values = {"name": "own", "config": file.config, "weights": name}
    return ModelChoice.model_validate(values | changes)


def _unpack(path: Path, weights: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            if sizes.get(WEIGHTS, 0) > MOST_BYTES or sizes.get(CONFIG, 0) > 4 * MOST_CHARACTERS:
                raise TooLarge(f"The file {path.name} is larger than any model that is admitted")
            with archive.open(WEIGHTS) as packed, weights.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            return archive.read(CONFIG).decode()
    except TooLarge:
        raise
    except Exception as error:
        # Each way of packing raises errors of its own: of zlib, of lzma, EOFError, and others.
        raise _broken(path, str(error) or type(error).__name__) from error


def _settle_scaling(config: dict[str, Any], model: keras.Model) -> None:
    """Writes what adapted layers measured into their settings, where a plan can carry it.

    Raises:
        ValueError: The settings hold others than the model's layers, as an activation, say.
    """
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Normalization)]
    nodes = [node for node in objects(config) if node.get("class_name") == "Normalization"]
    for layer, node in zip(layers, nodes, strict=True):
        node["config"]["mean"] = np.ravel(layer.mean).tolist()
        node["config"]["variance"] = np.ravel(layer.variance).tolist()


def _broken(path: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        f"The file {path.name} cannot be read as a model",
        expected="a .keras file as Keras writes it",
        received=reason,
        code="invalid_model_file",
    )
