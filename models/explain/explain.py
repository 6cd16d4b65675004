"""The map for one picture, by the method that fits the model."""

from __future__ import annotations

import numpy as np

from models.explain.explanation import Explanation, scaled_map
from models.explain.grad_cam import grad_cam
from models.explain.layers import Trace, Visit, trace
from models.explain.occlusion import occlusion_map
from models.named import NamedModel
from models.pictures import check_pictures
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
    check_pictures(picture[None], model.picture_shape)
    traced = trace(model.keras_model, picture)
    visit = _visit(traced, layer)
    chosen = int(traced.probabilities.argmax()) if target is None else target
    if visit is None:
        cells = occlusion_map(lambda batch: predict(model, batch), picture, chosen)
    else:
        cells = grad_cam(model.keras_model, picture, visit, chosen)
    return Explanation(
        map=scaled_map(cells, *picture.shape[:2]),
        method="occlusion" if visit is None else "grad-cam",
        target=chosen,
        layer=None if visit is None else visit.name,
        layers=_names(traced),
        grid=(cells.shape[0], cells.shape[1]),
    )


def _visit(traced: Trace, layer: str | None) -> Visit | None:
    if layer is None:
        return traced.default
    found = traced.named(layer)
    if found is None:
        raise UnknownLayer(layer, _names(traced))
    return found


def _names(traced: Trace) -> tuple[str, ...]:
    return tuple(visit.name for visit in traced.spatial)
