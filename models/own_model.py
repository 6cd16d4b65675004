"""A model from a stranger's Keras JSON, built only when it is known how large it becomes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state

from federated.errors import FederationError, TooLarge
from models.own_config import objects, refused
from models.seeds import draw_seeds

MOST_PARAMETERS = 200_000_000
MOST_ACTIVATIONS = 128_000_000
"""Numbers that a model may hold, and make of one picture: more fits no site's memory."""

MOST_SEEDS = 10_000
UNINITIALIZED = "uninitialized_variables"


def build_own(config: dict[str, Any], seed: int) -> keras.Model:
    """The model that `config` describes, with fresh weights.

    Args:
        config: A checked one, of `models.own_config.checked_config`.
        seed: Same seed, same weights.

    Returns:
        The model, its layers named as the JSON has it.

    Raises:
        InvalidInput: Keras cannot build it.
        TooLarge: It would be too large.
    """
    try:
        return _made_anew(_draft(_under_our_precision(config)), seed)
    except FederationError:
        raise
    except Exception as error:
        # Keras raises whatever a configuration that it did not expect led it to.
        raise refused(f"Keras cannot build it: {error}") from error


def _made_anew(draft: keras.Model, seed: int) -> keras.Model:
    seeds = iter(draw_seeds(seed, MOST_SEEDS))

    def anew(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(_reseeded(layer.get_config(), seeds))

    # A Sequential called its layers several times while it grew; here each is called once.
    return keras.models.clone_model(draft, clone_function=anew)


def _under_our_precision(config: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(config)
    for node in objects(config):
        if node.get("class_name") not in ("InputLayer", "__keras_tensor__"):
            node["config"].pop("dtype", None)
    for last in config["config"]["layers"][-2:]:
        # Probabilities are wanted in full, whatever precision the layers before compute in.
        last["config"]["dtype"] = "float32"
    return config


def _reseeded(node: Any, seeds: Iterator[int]) -> Any:
    if isinstance(node, list | tuple):
        return type(node)(_reseeded(entry, seeds) for entry in node)
    if not isinstance(node, dict):
        return node
    return {
        key: next(seeds, 0) if key == "seed" else _reseeded(value, seeds)
        for key, value in node.items()
    }


def _draft(config: dict[str, Any]) -> keras.Model:
    """The model without its variables, which Keras would make only later; small enough."""
    waiting = global_state.get_global_attribute(UNINITIALIZED, [], set_to_default=True)
    before = list(waiting)
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = _from_config(config)
            parameters = model.count_params()
            activations = sum(map(_activations, all_layers(model)))
    finally:
        # Nobody shall ever make them.
        waiting[:] = before
    if parameters > MOST_PARAMETERS or activations > MOST_ACTIVATIONS:
        raise TooLarge(
            "This model of your own is too large",
            expected=f"at most {MOST_PARAMETERS:,} weights and {MOST_ACTIVATIONS:,} numbers made "
            "of one picture",
            received=f"{parameters:,} and {activations:,}",
        )
    return keras.Model(model.inputs[0], model.outputs[0], name="own")


def _from_config(config: dict[str, Any]) -> keras.Model:
    model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(model, keras.Model) or not model.built or len(model.inputs or ()) != 1:
        raise refused("it must say the shape of its one input")
    if len(model.outputs) != 1:
        raise refused("it must have one output")
    return model


def _activations(layer: keras.layers.Layer) -> int:
    """Numbers that a layer makes of one picture, inside and as its output; rather too many."""
    outputs = keras.tree.flatten(layer.output)
    # An input layer has no input of its own.
    inputs = [_sides(tensor) for tensor in keras.tree.flatten(layer.input) or outputs]
    made = sum(math.prod(_sides(tensor)) for tensor in outputs)
    *steps, channels = inputs[0]
    match layer:
        case keras.layers.MultiHeadAttention():
            made += layer.num_heads * _attention(inputs, layer.key_dim + layer.value_dim)
        case keras.layers.SeparableConv1D() | keras.layers.SeparableConv2D():
            made += math.prod(inputs[0]) * layer.depth_multiplier
        case keras.layers.ConvLSTM2D():
            if layer.data_format == "channels_first":
                channels = inputs[0][1]
            made += math.prod(inputs[0]) // channels * 4 * layer.filters
        case keras.layers.LSTM() | keras.layers.GRU() | keras.layers.SimpleRNN():
            made += math.prod(steps) * 4 * layer.units
        case keras.layers.Bidirectional():
            made += math.prod(steps) * 8 * layer.forward_layer.units
    return made


def _attention(inputs: list[tuple[int, ...]], width: int) -> int:
    """What one head makes: a score for each pair of places, and projections of all of them."""
    places = sorted(math.prod(sides[:-1]) for sides in inputs)
    # Query and value are the two longest, or shorter; given by name, their order is not known.
    pairs = places[-1] * places[max(-2, -len(places))]
    return pairs + sum(places) * width


def _sides(tensor: keras.KerasTensor) -> tuple[int, ...]:
    return tuple(size or 1 for size in tensor.shape[1:]) or (1,)


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Its layers, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
