"""What a file of the zoo builds: a model, and where it can be cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from federated.errors import InvalidInput
from federated.plan import Setting
from federated.study import Study

if TYPE_CHECKING:
    import keras

Trained = Literal["whole", "last", "head", "features"]


@dataclass(frozen=True, slots=True)
class Network:
    """A model with the names of the layers at which it can be cut.

    Attributes:
        model: From pixels as they are stored, (n, size, size, channels), 0–255, to class
            probabilities, float32 (n, classes).
        blocks: Names of the layers that end a block of the base, from the pixels on.
        features: Name of the layer whose output, (n, d), the head works on.
    """

    model: keras.Model
    blocks: tuple[str, ...]
    features: str

    @property
    def base(self) -> keras.Model:
        """From pixels to features; shares the layers."""
        return self.up_to(self.features)

    @property
    def head(self) -> keras.Model:
        """From features, float32 (n, d), to class probabilities; shares the layers."""
        import keras

        features = self.model.get_layer(self.features).output
        return keras.Model(features, self.model.output, name="head")

    def up_to(self, name: str) -> keras.Model:
        """All layers from the pixels to the layer `name`."""
        import keras

        return keras.Model(self.model.input, self.model.get_layer(name).output, name="base")

    def freeze(self, trained: Trained, last_blocks: int) -> frozenset[str]:
        """Freezes all layers but those that are to be trained.

        Args:
            trained: Which part is trained.
            last_blocks: For `last`: how many blocks before the head.

        Returns:
            The names of the frozen layers.

        Raises:
            InvalidInput: There are no more blocks than that.
        """
        match trained:
            case "whole":
                return frozenset()
            case "last" if last_blocks >= len(self.blocks):
                raise InvalidInput(
                    "The model has too few blocks before its head",
                    expected=f"last_blocks from 1 to {len(self.blocks) - 1}",
                    received=last_blocks,
                    code="invalid_model",
                )
            case "last":
                part = self.up_to(self.blocks[-last_blocks - 1])
            case "head" | "features":
                part = self.base
        for layer in part.layers:
            _freeze(layer)
        return frozenset(layer.name for layer in part.layers)


class Build(Protocol):
    """What each file of the zoo has as `build`."""

    def __call__(self, study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
        """The network with fresh weights.

        Args:
            study: Gives the picture's shape and the number of classes.
            settings: A value for each of the architecture's settings.
            seed: Same seed, same initial weights.
        """


def _freeze(layer: keras.layers.Layer) -> None:
    layer.trainable = False
    # Keras itself runs a frozen BatchNorm as in inference, but goes on dropping.
    if hasattr(layer, "rate"):
        layer.rate = 0.0
    for inner in getattr(layer, "layers", ()):
        _freeze(inner)
