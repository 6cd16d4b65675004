"""What the networks of `keras.applications` share: pixels before them, a head behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from federated.plan import Setting
from federated.study import Study
from models.architecture import ArchitectureSetting, last_blocks_setting
from models.head import head_settings, with_head
from models.layer_names import name_by_structure
from models.network import Network
from models.norms import norm_settings, set_batch_norm
from models.pixels import rgb_pixels
from models.seeds import draw_seeds
from models.white_balance import WHITE_BALANCE

if TYPE_CHECKING:
    import keras


class Base(Protocol):
    """What the file of such a network has as `base`."""

    def __call__(self, settings: Mapping[str, Setting], **given: Any) -> keras.Model:
        """The network without its top.

        Args:
            settings: A value for each of the architecture's settings.
            given: Arguments of `keras.applications`: the input, and where weights come from.
        """


def transfer_settings(blocks: tuple[str, ...]) -> tuple[ArchitectureSetting, ...]:
    """The settings that every network of `keras.applications` has."""
    return (
        *head_settings("plain", dropout=0.3),
        *norm_settings("batch", "frozen"),
        WHITE_BALANCE,
        last_blocks_setting(blocks),
    )


def transfer_network(
    study: Study,
    settings: Mapping[str, Setting],
    seed: int,
    base: Base,
    scaling: Callable[[keras.KerasTensor], keras.KerasTensor],
    blocks: tuple[str, ...],
) -> Network:
    """The network between pixels and a head, its weights drawn by `seed`.

    Args:
        study: Gives the picture's shape and the classes.
        settings: Those of `transfer_settings`, and what `base` asks for.
        seed: Same seed, same weights.
        base: Builds it.
        scaling: From RGB pixels 0–255 to what it expects.
        blocks: Names of its layers that end a block.
    """
    import keras
    from keras import layers

    pixels, x = rgb_pixels(study, white_balance=bool(settings["white_balance"]))
    built = base(settings, input_tensor=scaling(x), weights=None)
    seeds = iter(draw_seeds(seed, len(built.layers) + 16))
    name_by_structure(built)
    set_batch_norm(built, str(settings["norm"]), float(settings["norm_momentum"]))
    _draw(built, seeds)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="features")(built.output)
    probabilities = with_head(features, study, settings, seeds)
    return Network(keras.Model(pixels, probabilities, name="network"), blocks, "features")


def _draw(base: keras.Model, seeds: Iterator[int]) -> None:
    """Draws the kernels of `base` anew: Keras drew them by seeds of its own."""
    for layer in base.layers:
        # A depthwise convolution calls it by another name.
        drawn = getattr(layer, "depthwise_initializer", None) or getattr(
            layer, "kernel_initializer", None
        )
        if drawn is not None:
            initializer = type(drawn).from_config({**drawn.get_config(), "seed": next(seeds)})
            layer.kernel.assign(initializer(layer.kernel.shape, dtype=layer.kernel.dtype))
