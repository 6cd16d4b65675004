"""Every architecture of the zoo has a map: by its last convolution, or by hiding parts."""

from __future__ import annotations

import numpy as np
import pytest

from federated.plan import ModelChoice
from models.catalogue import catalogue
from tests.models.studies import a_study

pytestmark = pytest.mark.usefixtures("keras_runtime")
WITHOUT_CONVOLUTION = {"linear"}
NOT_HERE = {"own", "efficientnet_b0", "inception_v3", "resnet34", "resnet50"}
"""What needs a file of somebody's own, and what takes long to compile and is made of the same
blocks as the others."""

SIZE = 40
"""Pictures of which the deepest networks still make a grid of more than one cell."""


@pytest.mark.parametrize("name", sorted(set(catalogue()) - NOT_HERE))
def test_every_architecture_has_a_map(name: str) -> None:
    from models.explain.explain import explain
    from models.named import build_model

    study = a_study(classes=3, size=max(SIZE, catalogue()[name].smallest))
    model = build_model(study, ModelChoice(name=name), seed=0)
    picture = np.random.default_rng(0).integers(0, 255, study.picture_shape, dtype=np.uint8)
    found = [explain(model, picture, target=target) for target in (0, 1, 2)]
    assert {one.method for one in found} == {
        "occlusion" if name in WITHOUT_CONVOLUTION else "grad-cam"
    }
    assert all(np.isfinite(one.map).all() for one in found)
    assert found[0].grid[0] > 1
    # What speaks against one class speaks for another.
    assert any(one.map.max() == 1 for one in found)
