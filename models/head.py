"""Heads and the output layer: what makes class probabilities of the features of a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from federated.plan import Setting
from federated.study import Study
from models.architecture import ArchitectureSetting
from models.norms import normalised

if TYPE_CHECKING:
    import keras

DEEP_UNITS = (512, 128, 128)


def head_settings(kind: str, dropout: float) -> tuple[ArchitectureSetting, ...]:
    """The settings of a head, by default of this kind and with this dropout."""
    return (
        ArchitectureSetting(
            "head",
            kind,
            "`plain`: dropout and one dense layer. `deep`: dense layers of 512, 128 and 128 units, "
            "each with normalisation, LeakyReLU and dropout, before it.",
            choices=("plain", "deep"),
        ),
        ArchitectureSetting("dropout", dropout, "Share dropped in the head in training.", 0, 0.9),
    )


def with_head(
    features: keras.KerasTensor, study: Study, settings: Mapping[str, Setting], seeds: Iterator[int]
) -> keras.KerasTensor:
    """Class probabilities, float32 (n, classes), from features (n, d).

    Args:
        features: What the network made of the pictures.
        study: Gives the number of classes.
        settings: `head`, `dropout`; for a deep head also `norm` and `norm_momentum`.
        seeds: One is taken for each layer that draws.
    """
    from keras import layers

    x = features
    if settings["head"] == "deep":
        for place, units in enumerate(DEEP_UNITS, 1):
            x = _deep_layer(x, place, units, settings, seeds)
    else:
        x = layers.Dropout(float(settings["dropout"]), seed=next(seeds), name="head_dropout")(x)
    return class_probabilities(x, study, next(seeds))


def class_probabilities(x: keras.KerasTensor, study: Study, seed: int) -> keras.KerasTensor:
    """The output layer of every network: float32 (n, classes), from `x` (n, d)."""
    import keras
    from keras import layers

    return layers.Dense(
        len(study.classes),
        activation="softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        # Probabilities are wanted in full, whatever precision the layers before compute in.
        dtype="float32",
        name="output",
    )(x)


def _deep_layer(
    x: keras.KerasTensor,
    place: int,
    units: int,
    settings: Mapping[str, Setting],
    seeds: Iterator[int],
) -> keras.KerasTensor:
    import keras
    from keras import layers

    x = layers.Dense(
        units,
        kernel_initializer=keras.initializers.HeNormal(next(seeds)),
        name=f"head_dense{place}",
    )(x)
    # A head is always fresh: there are no statistics that could be held.
    norm = "group" if settings["norm"] == "group" else "batch"
    x = normalised(x, norm, float(settings["norm_momentum"]), f"head_norm{place}")
    x = layers.LeakyReLU(name=f"head_relu{place}")(x)
    rate = float(settings["dropout"])
    return layers.Dropout(rate, seed=next(seeds), name=f"head_dropout{place}")(x)
