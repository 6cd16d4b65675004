"""`mobilenet`: MobileNet of any width, small enough to travel.

References:
    A. G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications", 2017. https://arxiv.org/abs/1704.04861
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture, ArchitectureSetting
from models.network import Network
from models.pixels import scaled
from models.transfer import transfer_network, transfer_settings

if TYPE_CHECKING:
    import keras

BLOCKS = ("conv1_relu", *(f"conv_pw_{block}_relu" for block in range(1, 14)))

ARCHITECTURE = Architecture(
    name="mobilenet",
    summary="MobileNet of keras.applications: depthwise convolutions, small at alpha 0.25.",
    settings=(
        ArchitectureSetting(
            "alpha", 0.25, "Width; there are ImageNet weights for 0.25, 0.5, 0.75 and 1.", 0.1, 2
        ),
        *transfer_settings(BLOCKS),
    ),
    smallest=32,
    imagenet=True,
)


def base(settings: Mapping[str, Setting], **given: Any) -> keras.Model:
    """The network without its top."""
    import keras

    return keras.applications.MobileNet(alpha=float(settings["alpha"]), include_top=False, **given)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    return transfer_network(study, settings, seed, base, scaled, BLOCKS)
