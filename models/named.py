"""A model with canonical tensor names: the one form in which weights enter and leave Keras."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

import keras
import numpy as np

from federated.errors import InvalidInput, NotFound
from federated.plan import ModelChoice, Setting
from federated.signature import Signature, TensorSpec
from federated.study import Study
from models import pretrained as weight_files
from models import zoo
from models.catalogue import check_model
from models.features import FeatureSplit
from models.layer_variables import named_variables
from models.network import Build, Network

T = TypeVar("T")

STATISTICS = frozenset({"moving_mean", "moving_variance"})
"""Names of the variables that BatchNorm measures; no optimiser moves them."""

Variables = dict[str, keras.Variable]
Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]


class NamedModel:
    """A Keras model whose floating-point variables have canonical names.

    It lives as long as its worker process serves one study under one plan, and keeps what was
    compiled for it, so that only the first training pays for compilation.

    Attributes:
        keras_model: The model, whole and uncompiled.
        signature: Names, shapes and dtypes of what is trained and travels in each round, in
            the order of its layers.
        frozen: The same of the frozen layers, their BatchNorm statistics among them: nothing
            of it changes in a run. None where no layer is frozen.
        features: The model cut in two, where only its head is trained, on features; or None.
        flips: Whether an answer is the mean over a picture's four flips.
    """

    def __init__(
        self,
        keras_model: keras.Model,
        frozen_layers: Collection[str] = (),
        features: FeatureSplit | None = None,
        *,
        flips: bool = False,
    ) -> None:
        """Names the variables of `keras_model`, whose layers must all be named.

        Args:
            keras_model: The model.
            frozen_layers: Names of its layers that stay as they are.
            features: Its two halves.
            flips: See the class.
        """
        self.keras_model = keras_model
        self.features = features
        self.flips = flips
        still = tuple(f"{layer}/" for layer in frozen_layers)
        variables = named_variables(keras_model)
        self._variables = {n: v for n, v in variables.items() if not n.startswith(still)}
        self._frozen = {n: v for n, v in variables.items() if n.startswith(still)}
        self.signature = _signature(self._variables)
        self.frozen = _signature(self._frozen) if self._frozen else None
        self._programs: dict[str, Any] = {}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example: `(height, width, channels)` of pictures, `(width,)` of features."""
        return tuple(self.keras_model.input_shape[1:])

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """uint8 of pictures, float32 of features."""
        return np.dtype(np.uint8 if len(self.input_shape) == 3 else np.float32)

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of one picture."""
        height, width, channels = self.input_shape
        return height, width, channels

    @property
    def num_classes(self) -> int:
        """Number of probabilities that the model gives for a picture."""
        return int(self.keras_model.output_shape[-1])

    def read(self) -> dict[str, np.ndarray]:
        """The weights by name; copies, so that training on does not change them."""
        return _read(self._variables)

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes over `weights`; all of them are checked before any is assigned.

        Args:
            weights: An array for every name of the signature, with its shape and dtype.

        Raises:
            ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype; the
                model is as it was.
        """
        _assign(self._variables, self.signature, weights)

    def in_training_order(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Those of the trainable tensors, in the order in which Keras has their variables.

        Args:
            arrays: By the names of the signature, at least of all that is trained.
        """
        names = {id(variable): name for name, variable in self._variables.items()}
        return [arrays[names[id(one)]] for one in self.keras_model.trainable_variables]

    def read_frozen(self) -> dict[str, np.ndarray]:
        """What is frozen, by name; empty where nothing is."""
        return _read(self._frozen)

    def assign_frozen(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes over what is frozen; all of it is checked before any is assigned.

        Args:
            weights: An array for every name of `frozen`, with its shape and dtype.

        Raises:
            NotFound: Nothing of this model is frozen.
            ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype; the
                model is as it was.
        """
        if self.frozen is None:
            raise NotFound("Nothing of this model is frozen", code="nothing_frozen")
        _assign(self._frozen, self.frozen, weights)

    def program(self, key: str, compile_it: Callable[[keras.Model], T]) -> T:
        """What `compile_it` made of this model when `key` was first asked for."""
        if key not in self._programs:
            self._programs[key] = compile_it(self.keras_model)
        program: T = self._programs[key]
        return program


def build_model(
    study: Study,
    choice: ModelChoice,
    seed: int,
    pretrained: Path | None = None,
    *,
    precision: Precision = "float32",
) -> NamedModel:
    """The chosen model with its first weights.

    Args:
        study: Gives the pictures' shape and the classes.
        choice: Architecture and settings, where its weights come from, and what is trained.
        seed: 0 … 2**31 - 1; the same seed gives the same bytes in every process of a machine.
        pretrained: The folder in which `choice.weights` names a file. Whoever is given all
            weights anyway clears `choice.weights` first.
        precision: What is computed in. Weights and probabilities are float32 in any case.

    Returns:
        The model, named and uncompiled.

    Raises:
        InvalidInput: The catalogue does not allow the choice for this study, or the given
            weights do not fit.
        NotFound: There are no such weights.
    """
    settings = check_model(choice, study)
    architecture = importlib.import_module(f"{zoo.__name__}.{choice.name}")
    given = {} if choice.config is None else {"config": choice.config}
    build: Build = architecture.build
    with _computing_in(precision):
        network = build(study, settings | given, seed)
    if choice.weights is not None:
        _load(network, architecture, settings, choice.weights, pretrained)
    return _named(network, choice, int(settings["last_blocks"]))


def _named(network: Network, choice: ModelChoice, last_blocks: int) -> NamedModel:
    frozen = network.freeze(choice.trained, last_blocks)
    split = None
    if choice.trained == "features":
        split = FeatureSplit(NamedModel(network.base), NamedModel(network.head))
    return NamedModel(network.model, frozen, split, flips=choice.flips)


def _load(
    network: Network,
    architecture: ModuleType,
    settings: Mapping[str, Setting],
    weights: str,
    folder: Path | None,
) -> None:
    if weights == weight_files.IMAGENET:
        weight_files.load_imagenet(network, functools.partial(architecture.base, settings))
    elif folder is None:
        raise InvalidInput(
            f"The plan begins with the weights {weights}, and no folder of pretrained "
            "weights was given",
            expected="the option --pretrained",
            code="no_pretrained_folder",
        )
    else:
        weight_files.load_weights(network, weight_files.find_weights(folder, weights))


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _read(variables: Variables) -> dict[str, np.ndarray]:
    return {
        name: np.array(keras.ops.convert_to_numpy(variable)) for name, variable in variables.items()
    }


def _assign(variables: Variables, signature: Signature, weights: Mapping[str, np.ndarray]) -> None:
    signature.check({name: (array.shape, array.dtype.name) for name, array in weights.items()})
    for name, variable in variables.items():
        variable.assign(weights[name])


def _signature(variables: Variables) -> Signature:
    return Signature(tensors=tuple(_spec(*named) for named in variables.items()))


def _spec(name: str, variable: keras.Variable) -> TensorSpec:
    is_statistic = variable.name in STATISTICS
    return TensorSpec(
        name=name,
        shape=tuple(variable.shape),
        dtype=variable.dtype,
        trainable=variable.trainable,
        role="statistic" if is_statistic else "parameter",
    )
