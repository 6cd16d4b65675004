"""`resnet50`: the residual network of 50 layers.

References:
    K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    https://arxiv.org/abs/1512.03385
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture
from models.network import Network
from models.pixels import centred_bgr
from models.transfer import transfer_network, transfer_settings

if TYPE_CHECKING:
    import keras

_DEPTHS = (3, 4, 6, 3)
BLOCKS = (
    "pool1_pool",
    *(
        f"conv{stage}_block{n}_out"
        for stage, depth in enumerate(_DEPTHS, 2)
        for n in range(1, depth + 1)
    ),
)

ARCHITECTURE = Architecture(
    name="resnet50",
    summary="ResNet-50 of keras.applications: 24 million parameters.",
    settings=transfer_settings(BLOCKS),
    smallest=32,
    imagenet=True,
)


def base(settings: Mapping[str, Setting], **given: Any) -> keras.Model:
    """The network without its top."""
    import keras

    return keras.applications.ResNet50(include_top=False, **given)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255.

    It takes them as blue, green and red, with ImageNet's mean taken off.
    """
    return transfer_network(study, settings, seed, base, centred_bgr, BLOCKS)
