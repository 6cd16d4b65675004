"""`inception_v3`: Inception-v3, for pictures of 75 pixels and more.

References:
    C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
    https://arxiv.org/abs/1512.00567
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture
from models.network import Network
from models.pixels import scaled
from models.transfer import transfer_network, transfer_settings

if TYPE_CHECKING:
    import keras

BLOCKS = tuple(f"mixed{block}" for block in range(11))

ARCHITECTURE = Architecture(
    name="inception_v3",
    summary="Inception-v3 of keras.applications: 22 million parameters, pictures from 75 px.",
    settings=transfer_settings(BLOCKS),
    smallest=75,
    imagenet=True,
)


def base(settings: Mapping[str, Setting], **given: Any) -> keras.Model:
    """The network without its top."""
    import keras

    return keras.applications.InceptionV3(include_top=False, **given)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it takes from -1 to 1."""
    return transfer_network(study, settings, seed, base, scaled, BLOCKS)
