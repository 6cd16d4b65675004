"""The canonical names of a model's variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import keras


def named_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Its floating-point variables by canonical name, in the order of its layers.

    Names come from the layers' own names, never from Keras's paths: those count up with every
    model that a process builds.
    """
    return dict(_named(model, ""))


def _named(model: keras.Model, prefix: str) -> Iterator[tuple[str, keras.Variable]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _named(layer, f"{prefix}{layer.name}/")
        elif not isinstance(layer, keras.layers.Normalization):
            # What scales the pixels is fixed when the model is made, and is no weight.
            yield from _of_layer(layer, f"{prefix}{layer.name}")


def _of_layer(layer: keras.layers.Layer, name: str) -> Iterator[tuple[str, keras.Variable]]:
    seen: Counter[str] = Counter()
    for variable in layer.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            seen[variable.name] += 1
            # A layer made of layers has several kernels.
            place = "" if seen[variable.name] == 1 else f"_{seen[variable.name]}"
            yield f"{name}/{variable.name}{place}", variable
