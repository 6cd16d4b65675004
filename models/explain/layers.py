"""The layers of a model as they run: which can be looked at, and which one by default.

They are found by running the model once, not by their names, so that flat and nested models,
models of a zoo and of somebody's own are all treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
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


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """A layer that ran, and what it gave.

    Attributes:
        name: Its path through nested models, such as `conv3` or `base/conv_pw_13`.
        layer: The layer itself.
        output: Of the backend.
    """

    name: str
    layer: keras.Layer
    output: Any


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What running a model on one picture showed.

    Attributes:
        probabilities: float32 (classes,).
        spatial: The layers from the first convolution on that give a grid of more than one
            cell, each of which ran once, in the order in which they ran.
    """

    probabilities: np.ndarray
    spatial: tuple[Visit, ...]

    @property
    def default(self) -> Visit | None:
        """The last layer that finds something by itself; None without convolutions."""
        finding = [v for v in self.spatial if not isinstance(v.layer, PASSING_ON)]
        return finding[-1] if finding else None

    def named(self, name: str) -> Visit | None:
        """The layer of that name, or of that last part of a name where it is the only one."""
        ends = [v for v in self.spatial if v.name.rpartition("/")[2] == name]
        exact = [v for v in self.spatial if v.name == name]
        found = exact or ends
        return found[0] if len(found) == 1 else None


def trace(model: keras.Model, picture: np.ndarray) -> Trace:
    """Runs `model` on one picture, (height, width, channels), and notes what its layers gave."""
    visits: list[Visit] = []
    known = dict(named_layers(model))

    def note(name: str, output: Any) -> Any:
        visits.append(Visit(name, known[name], output))
        return output

    with tapped(known, note):
        answer = model(picture[None], training=False)
    probabilities = np.asarray(keras.ops.convert_to_numpy(answer), np.float32)[0]
    return Trace(probabilities, tuple(_spatial(visits)))


@contextmanager
def tapped(watched: Mapping[str, keras.Layer], tap: Callable[[str, Any], Any]) -> Iterator[None]:
    """While it lasts, what a layer gives is what `tap` makes of its name and its output.

    Keras has no hook for this that all its backends share, and none for nested models.
    """
    before = {name: vars(layer).get("call") for name, layer in watched.items()}
    try:
        for name, layer in watched.items():
            # Past Keras's own bookkeeping, which is for what belongs to a layer.
            object.__setattr__(layer, "call", _through(tap, name, layer.call))
        yield
    finally:
        for name, layer in watched.items():
            vars(layer).pop("call", None)
            if before[name] is not None:
                object.__setattr__(layer, "call", before[name])


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


def _spatial(visits: Sequence[Visit]) -> Iterator[Visit]:
    runs = Counter(visit.name for visit in visits)
    convolved = False
    for visit in visits:
        convolved = convolved or isinstance(visit.layer, CONVOLUTIONS)
        if convolved and runs[visit.name] == 1 and _is_grid(visit.output):
            yield visit


def _is_grid(output: Any) -> bool:
    shape: tuple[int, ...] = tuple(getattr(output, "shape", ()))
    return len(shape) == 4 and shape[1] * shape[2] > 1
