"""The map for one picture, by the method that fits the model."""

from __future__ import annotations

import numpy as np

from models.explain.explanation import Explanation, scaled_map
from models.explain.grad_cam import GradCam
from models.explain.layers import SpatialLayer
from models.explain.occlusion import occlusion_map
from models.named import NamedModel
from models.predict import predict


class UnknownLayer(LookupError):
    """The model has no such layer that could be looked at.

    Attributes:
        layers: Those that it has; none where it has no convolution.
    """

    def __init__(self, name: str, layers: tuple[str, ...]) -> None:
        """Names what was asked for, and what there is."""
        super().__init__(f"no layer {name!r} among {', '.join(layers) or 'none'}")
        self.layers = layers


def explain(
    model: NamedModel, picture: np.ndarray, layer: str | None = None, target: int | None = None
) -> Explanation:
    """Where in `picture` the model finds what speaks for a class.

    Grad-CAM at the last layer that finds something, or at the one named; occlusion for a model
    without convolutions, in at most 145 forward passes.

    Args:
        model: Its weights are read as they are at the call.
        picture: uint8 (height, width, channels), 0–255, of the model's shape.
        layer: Name of a layer; the last part of a path is enough where only one has it.
        target: Index of the class; None for the most probable one.

    Returns:
        The map and how it came about.

    Raises:
        InvalidInput: The picture does not fit the model.
        UnknownLayer: There is no such layer.
    """
    probabilities = predict(model, picture[None], batch_size=1)[0]
    chosen = int(probabilities.argmax()) if target is None else target
    grad_cam = model.program("explain", GradCam)
    at = _layer(grad_cam, layer)
    if at is None:
        cells = occlusion_map(lambda batch: predict(model, batch), picture, chosen)
    else:
        cells = grad_cam.cells(picture, at, chosen)
    return Explanation(
        map=scaled_map(cells, *picture.shape[:2]),
        method="occlusion" if at is None else "grad-cam",
        target=chosen,
        layer=None if at is None else at.name,
        layers=grad_cam.layers.names,
        grid=(cells.shape[0], cells.shape[1]),
    )


def _layer(grad_cam: GradCam, name: str | None) -> SpatialLayer | None:
    if name is None:
        return grad_cam.layers.default
    found = grad_cam.layers.named(name)
    if found is None:
        raise UnknownLayer(name, grad_cam.layers.names)
    return found
