"""`mobilenet_v3_small`: MobileNetV3-Small, with squeeze-and-excitation and hard swish.

References:
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019. https://arxiv.org/abs/1905.02244
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

_WITH_SHORTCUT = {2, 4, 5, 7, 9, 10}
BLOCKS = (
    "expanded_conv_project_bn",
    *(
        f"expanded_conv_{block}_{'add' if block in _WITH_SHORTCUT else 'project_bn'}"
        for block in range(1, 11)
    ),
)

ARCHITECTURE = Architecture(
    name="mobilenet_v3_small",
    summary="MobileNetV3-Small of keras.applications: a million parameters.",
    settings=(
        ArchitectureSetting(
            "alpha", 1.0, "Width; there are ImageNet weights for 0.75 and 1.", 0.25, 2
        ),
        *transfer_settings(BLOCKS),
    ),
    smallest=32,
    imagenet=True,
)


def base(settings: Mapping[str, Setting], **given: Any) -> keras.Model:
    """The network without its top."""
    import keras

    return keras.applications.MobileNetV3Small(
        alpha=float(settings["alpha"]), include_preprocessing=False, include_top=False, **given
    )


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    return transfer_network(study, settings, seed, base, scaled, BLOCKS)
