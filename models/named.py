"""A model with canonical tensor names: the one form in which weights enter and leave Keras."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import keras
import numpy as np

from federated.plan import ModelChoice
from federated.signature import Signature, TensorSpec
from federated.study import Study
from models import zoo
from models.catalogue import check_model

T = TypeVar("T")

STATISTICS = frozenset({"moving_mean", "moving_variance"})
"""Names of the variables that BatchNorm measures; no optimiser moves them."""


class NamedModel:
    """A Keras model whose floating-point variables have canonical names.

    It lives as long as its worker process serves one study under one plan, and keeps what was
    compiled for it, so that only the first training pays for compilation.

    Attributes:
        keras_model: The model, uncompiled.
        signature: Names, shapes and dtypes of its weights, in the order of its layers.
    """

    def __init__(self, keras_model: keras.Model) -> None:
        """Names the variables of `keras_model`, whose layers must all be named."""
        self.keras_model = keras_model
        self._variables = dict(_named_variables(keras_model))
        self.signature = Signature(
            tensors=tuple(_spec(name, variable) for name, variable in self._variables.items())
        )
        self._programs: dict[str, Any] = {}

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of one picture."""
        height, width, channels = self.keras_model.input_shape[1:]
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """Number of probabilities that the model gives for a picture."""
        return int(self.keras_model.output_shape[-1])

    def read(self) -> dict[str, np.ndarray]:
        """The weights by name; copies, so that training on does not change them."""
        return {name: np.array(variable.numpy()) for name, variable in self._variables.items()}

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes over `weights`; all of them are checked before any is assigned.

        Args:
            weights: An array for every name of the signature, with its shape and dtype.

        Raises:
            ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype; the
                model is as it was.
        """
        self.signature.check({name: (a.shape, a.dtype.name) for name, a in weights.items()})
        for name, variable in self._variables.items():
            variable.assign(weights[name])

    def program(self, key: str, compile_it: Callable[[keras.Model], T]) -> T:
        """What `compile_it` made of this model when `key` was first asked for."""
        if key not in self._programs:
            self._programs[key] = compile_it(self.keras_model)
        program: T = self._programs[key]
        return program


def build_model(study: Study, choice: ModelChoice, seed: int) -> NamedModel:
    """The chosen model with fresh weights.

    Args:
        study: Gives the pictures' shape and the classes.
        choice: Architecture and settings.
        seed: 0 … 2**31 - 1; the same seed gives the same bytes in every process of a machine.

    Returns:
        The model, named and uncompiled.

    Raises:
        InvalidInput: The catalogue does not allow the choice for this study.
    """
    settings = check_model(choice, study)
    architecture = importlib.import_module(f"{zoo.__name__}.{choice.name}")
    return NamedModel(architecture.build(study, settings, seed))


def _named_variables(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.Variable]]:
    # Names come from the layers' own names, never from Keras's paths: those count up with
    # every model that a process builds.
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _named_variables(layer, f"{prefix}{layer.name}/")
            continue
        for variable in layer.variables:
            if keras.backend.is_float_dtype(variable.dtype):
                yield f"{prefix}{layer.name}/{variable.name}", variable


def _spec(name: str, variable: keras.Variable) -> TensorSpec:
    is_statistic = variable.name in STATISTICS
    return TensorSpec(
        name=name,
        shape=tuple(variable.shape),
        dtype=variable.dtype,
        trainable=variable.trainable,
        role="statistic" if is_statistic else "parameter",
    )
