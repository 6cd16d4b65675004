"""`efficientnet_b0`: EfficientNet-B0, the smallest of its family.

References:
    M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    ICML 2019. https://arxiv.org/abs/1905.11946
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture
from models.network import Network
from models.pixels import standardised
from models.transfer import transfer_network, transfer_settings

if TYPE_CHECKING:
    import keras

_DEPTHS = (1, 2, 2, 3, 3, 4, 1)
BLOCKS = tuple(
    f"block{stage}{'abcd'[n]}_{'add' if n else 'project_bn'}"
    for stage, depth in enumerate(_DEPTHS, 1)
    for n in range(depth)
)

ARCHITECTURE = Architecture(
    name="efficientnet_b0",
    summary="EfficientNet-B0 of keras.applications: four million parameters.",
    settings=transfer_settings(BLOCKS),
    smallest=32,
    imagenet=True,
)


def base(settings: Mapping[str, Setting], **given: Any) -> keras.Model:
    """The network without its top."""
    import keras

    return keras.applications.EfficientNetB0(include_top=False, **given)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it standardises itself."""
    scaling = functools.partial(standardised, unit=255)
    return transfer_network(study, settings, seed, base, scaling, BLOCKS)
