"""The layers of a model as they run: which can be looked at, and which one by default.

They are found by walking the model as it runs, not by their names, so that flat and nested
models, models of a zoo and of somebody's own are all treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import layers

CONVOLUTIONS = (
    layers.Conv2D,
    layers.Conv2DTranspose,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
)
PASSING_ON = (
    layers.AveragePooling2D,
    layers.Cropping2D,
    layers.Dropout,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.MaxPooling2D,
    layers.Reshape,
    layers.SpatialDropout2D,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
)
"""Layers that only pass on what a layer before them has found: none is the default."""

Method = Literal["call", "compute_output_spec"]


@dataclass(frozen=True, slots=True, eq=False)
class SpatialLayer:
    """A layer that gives a grid of cells.

    Attributes:
        name: Its path through nested models, such as `conv3` or `base/conv_pw_13`.
        layer: The layer itself.
        shape: `(rows, columns, channels)` of what it gives for one picture.
    """

    name: str
    layer: keras.Layer
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class SpatialLayers:
    """The layers of a model that can be looked at.

    Attributes:
        all: Those from the first convolution on that give a grid of more than one cell, each of
            which runs once, in the order in which they run.
    """

    all: tuple[SpatialLayer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them."""
        return tuple(spatial.name for spatial in self.all)

    @property
    def default(self) -> SpatialLayer | None:
        """The last layer that finds something by itself; None without convolutions."""
        finding = [one for one in self.all if not isinstance(one.layer, PASSING_ON)]
        return finding[-1] if finding else None

    def named(self, name: str) -> SpatialLayer | None:
        """The layer of that name, or of that last part of a name where it is the only one."""
        exact = [one for one in self.all if one.name == name]
        found = exact or [one for one in self.all if one.name.rpartition("/")[2] == name]
        return found[0] if len(found) == 1 else None


def spatial_layers(model: keras.Model) -> SpatialLayers:
    """The layers of `model` that can be looked at; nothing is computed."""
    known = dict(named_layers(model))
    ran: list[tuple[str, Any]] = []

    def note(name: str, output: Any) -> Any:
        ran.append((name, output))
        return output

    picture = keras.KerasTensor((1, *model.input_shape[1:]), dtype="float32")
    with tapped(known, note, "compute_output_spec"):
        model.compute_output_spec(picture)
    return SpatialLayers(tuple(_spatial(ran, known)))


@contextmanager
def tapped(
    watched: Mapping[str, keras.Layer],
    tap: Callable[[str, Any], Any],
    method: Method = "call",
) -> Iterator[None]:
    """While it lasts, what a layer gives is what `tap` makes of its name and its output.

    Keras has no hook for this that all its backends share, and none for nested models.
    """
    before = {name: vars(layer).get(method) for name, layer in watched.items()}
    try:
        for name, layer in watched.items():
            # Past Keras's own bookkeeping, which is for what belongs to a layer.
            object.__setattr__(layer, method, _through(tap, name, getattr(layer, method)))
        yield
    finally:
        for name, layer in watched.items():
            vars(layer).pop(method, None)
            if before[name] is not None:
                object.__setattr__(layer, method, before[name])


def named_layers(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """Every layer by its path, those of nested models in the place of the models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from named_layers(layer, f"{prefix}{layer.name}/")
        else:
            yield f"{prefix}{layer.name}", layer


def _through(
    tap: Callable[[str, Any], Any], name: str, call: Callable[..., Any]
) -> Callable[..., Any]:
    def tapped_call(*arguments: Any, **options: Any) -> Any:
        return tap(name, call(*arguments, **options))

    return tapped_call


def _spatial(
    ran: Sequence[tuple[str, Any]], known: Mapping[str, keras.Layer]
) -> Iterator[SpatialLayer]:
    runs = Counter(name for name, _ in ran)
    convolved = False
    for name, output in ran:
        convolved = convolved or isinstance(known[name], CONVOLUTIONS)
        shape = tuple(getattr(output, "shape", ()))
        if convolved and runs[name] == 1 and len(shape) == 4 and shape[1] * shape[2] > 1:
            yield SpatialLayer(name, known[name], shape[1:])
