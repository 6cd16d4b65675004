"""`resnet34`: the residual network of 34 layers, with a deep head; see `models.residual`."""

from __future__ import annotations

from collections.abc import Mapping

from federated.plan import Setting
from federated.study import Study
from models.architecture import Architecture
from models.network import Network
from models.residual import plain_residual_network, residual_settings

DEPTHS = (3, 4, 6, 3)

ARCHITECTURE = Architecture(
    name="resnet34",
    summary="Residual network of 34 layers, with BatchNorm or GroupNorm, and a deep head.",
    settings=residual_settings(DEPTHS),
)


def build(study: Study, settings: Mapping[str, Setting], seed: int) -> Network:
    """The network with fresh weights, from pixels 0–255, which it standardises itself."""
    return plain_residual_network(study, settings, seed, DEPTHS)
