"""Whether a stranger's Keras JSON may be built: Keras's own layers and nothing of anybody else.

Checked without Keras, so that a server can refuse a plan before a worker sees it. That the model
fits the study, and how large it is, shows only when it is built: `models.own_model`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from federated.errors import InvalidInput, TooLarge

MOST_CHARACTERS = 2**20
MOST_VALUES = 200_000
DEEPEST = 40
GREATEST_NUMBER = 2**33
LONGEST_TEXT = 300


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


LAYERS = _names(
    """
    Activation ActivityRegularization Add AlphaDropout Average
    AveragePooling1D AveragePooling2D BatchNormalization Bidirectional CenterCrop Concatenate
    Conv1D Conv2D Conv2DTranspose ConvLSTM2D Cropping1D Cropping2D Dense DepthwiseConv1D
    DepthwiseConv2D Dot Dropout ELU EinsumDense Flatten GRU GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GroupNormalization Identity InputLayer LSTM LayerNormalization LeakyReLU
    Masking MaxPooling1D MaxPooling2D Maximum Minimum MultiHeadAttention Multiply Normalization
    PReLU Permute RMSNormalization RandomBrightness RandomContrast RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing SeparableConv1D
    SeparableConv2D SimpleRNN Softmax SpatialDropout1D SpatialDropout2D SpectralNormalization
    Subtract UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D
    ZeroPadding2D
    """
)
"""Of `keras.layers`: those that compute on pictures. None reads files or runs given code."""

MODELS = frozenset({"Functional", "Sequential", "Model"})
ALLOWED = {
    "keras.layers": LAYERS,
    "keras": MODELS | {"DTypePolicy"},
    "keras.models": MODELS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    # Arithmetic between layers; the zoo's own models hold some.
    "keras.src.ops.numpy": _names(
        "Add Divide Flip Maximum Mean Minimum Multiply Power Sqrt Square Subtract TrueDivide"
    ),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.initializers": _names(
        """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform
    Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
    ),
}
MARKS = frozenset({"__keras_tensor__", "__tuple__"})
"""What Keras writes in place of a tensor or a tuple."""

DROPPED = ("build_config", "compile_config", "shared_object_id")
"""What Keras writes besides: it finds shapes by itself, and nothing is compiled here."""


def checked_config(text: str) -> dict[str, Any]:
    """The Keras JSON `text`, looked through and without what is not needed.

    Args:
        text: As `keras.Model.to_json` writes it; from a stranger.

    Raises:
        InvalidInput: It is no such JSON, or holds anything but Keras's own layers.
        TooLarge: It is larger than any model needs.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLarge("The model's JSON is too long", expected=f"{MOST_CHARACTERS:,} characters")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused(f"it is no JSON: {error}") from error
    # What is no text cannot be looked up.
    if not isinstance(config, dict) or str(config.get("class_name")) not in MODELS:
        raise refused("it describes no model; models of a class of your own are not admitted")
    _Look().through(config, depth=0)
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(layers, list) or not all(_is_object(layer) for layer in layers):
        raise refused("it describes no layers")
    return config


def _is_object(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("config"), dict)


def objects(node: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any]]:
    """Every object in a checked configuration: each has a `class_name` and a `config`."""
    if isinstance(node, dict) and _is_object(node):
        yield node
    children = node.values() if isinstance(node, dict) else node
    for child in children:
        if isinstance(child, dict | list):
            yield from objects(child)


def refused(reason: str) -> InvalidInput:
    """The error for a model that is not built."""
    return InvalidInput(
        f"This model of your own is not admitted: {reason}",
        expected="the JSON of a Keras model of Keras's own layers, without Lambda",
        code="invalid_own_model",
    )


class _Look:
    """One look through a configuration, counting what it meets."""

    def __init__(self) -> None:
        self._seen = 0

    def through(self, node: Any, depth: int) -> None:
        self._seen += 1
        if self._seen > MOST_VALUES or depth > DEEPEST:
            raise TooLarge("The model's JSON is larger than any model needs")
        match node:
            case dict():
                self._object(node, depth)
            case list():
                for entry in node:
                    self.through(entry, depth + 1)
            case str() if len(node) > LONGEST_TEXT:
                raise refused(f"a text is too long: {node[:40]!r}")
            case int() | float() if not abs(node) <= GREATEST_NUMBER:
                raise refused(f"a number is too great: {str(node)[:40]}")

    def _object(self, node: dict[str, Any], depth: int) -> None:
        for dropped in DROPPED:
            node.pop(dropped, None)
        if "class_name" in node:
            _check_class(node)
        elif any(key.startswith("__") for key in node):
            raise refused(f"it holds {next(iter(node))!r}")
        for key, value in node.items():
            self.through(key, depth + 1)
            self.through(value, depth + 1)


def _check_class(node: dict[str, Any]) -> None:
    name, module = node["class_name"], node.get("module")
    if not isinstance(name, str) or not isinstance(module, str | None):
        raise refused("a class is not given by its name")
    if module is None and name in MARKS:
        return
    if name not in ALLOWED.get(module or "", ()):
        raise refused(f"it holds {name!r} of {module!r}")
    if node.get("registered_name") not in (None, name):
        raise refused(f"it holds the registered object {str(node['registered_name'])[:80]!r}")
