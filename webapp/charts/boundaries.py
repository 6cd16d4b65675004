"""Where models of the plane change their mind: each site's own line, and the global one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from webapp.charts.figure import GREY, Chart, framed, style_of
from webapp.lesson.data import EDGE, Dataset
from webapp.lesson.model import Weights, loss_and_accuracy, probabilities
from webapp.texts import text
from webapp.words import percent

SAID = ("lesson.boundaries", "lesson.boundaries_first")
"""The sentence of a round, and that from before the first."""

CELLS = 49
"""Places along each axis at which a model is asked."""

FILL = [[0.0, "rgba(0,114,178,0.22)"], [0.5, "rgba(128,128,128,0)"], [1.0, "rgba(230,159,0,0.26)"]]
"""Blue where the global model says the first class, orange where it says the second."""


def boundaries(
    data: Dataset, weights: Weights, returned: Mapping[int, Weights], hostile: int | None
) -> Chart:
    """The plane as the global model parts it, and the line along which each site would part it.

    Args:
        data: Points of the plane in two classes.
        weights: The global model.
        returned: The sites' own models of the round, by place.
        hostile: Place of the site that means harm, if any.
    """
    axis = np.linspace(-EDGE, EDGE, CELLS)
    drawn = go.Figure(_ground(axis, _second(weights, axis)))
    for kind, symbol in ((0, "circle"), (1, "square")):
        drawn.add_trace(_points(data, kind, symbol))
    for site, own in returned.items():
        drawn.add_trace(_line(axis, _second(own, axis), site_name(site, hostile), site))
    drawn.add_trace(_global_line(axis, _second(weights, axis)))
    framed(drawn, x=text("lesson.x_axis"), y=text("lesson.y_axis"), height=420)
    drawn.update_xaxes(range=[-EDGE, EDGE], constrain="domain")
    drawn.update_yaxes(range=[-EDGE, EDGE], scaleanchor="x", constrain="domain")
    return accuracies_told(drawn, SAID, data, weights, returned, hostile)


def accuracies_told(
    drawn: Any,
    keys: tuple[str, str],
    data: Dataset,
    weights: Weights,
    returned: Mapping[int, Weights],
    hostile: int | None,
) -> Chart:
    """A chart of models whose sentence and table say how many test examples each gets right."""
    found = {text("lesson.global"): loss_and_accuracy(weights, data.test_x, data.test_y)[1]}
    for site, own in returned.items():
        share = loss_and_accuracy(own, data.test_x, data.test_y)[1]
        found[site_name(site, hostile)] = share
    rows = [(name, percent(share)) for name, share in found.items()]
    columns = [text("lesson.model"), text("lesson.right")]
    own_shares = list(found.values())[1:]
    values = {"share": percent(found[text("lesson.global")])}
    if own_shares:
        values |= {"low": percent(min(own_shares)), "high": percent(max(own_shares))}
    said = text(keys[0] if own_shares else keys[1], **values)
    return Chart(drawn, said, pd.DataFrame(rows, columns=columns))


def site_name(site: int, hostile: int | None = None) -> str:
    """A site of the lesson for people, with a mark where it means harm."""
    key = "lesson.hostile_site" if site == hostile else "lesson.site"
    return text(key, number=site + 1)


def _second(weights: Weights, axis: np.ndarray) -> np.ndarray:
    """Probability of the second class over the plane, float32 (CELLS, CELLS)."""
    x, y = np.meshgrid(axis, axis)
    places = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    return probabilities(weights, places)[:, 1].reshape(len(axis), len(axis))


def _ground(axis: np.ndarray, second: np.ndarray) -> Any:
    return go.Heatmap(
        x=axis,
        y=axis,
        z=np.round(second, 3),
        zmin=0,
        zmax=1,
        colorscale=FILL,
        showscale=False,
        hoverinfo="skip",
        zsmooth="best",
    )


def _points(data: Dataset, kind: int, symbol: str) -> Any:
    # Fewer than there are: lines, not points, are what the chart is about.
    chosen = np.flatnonzero(data.test_y == kind)[:90]
    return go.Scatter(
        name=text("lesson.first_class" if kind == 0 else "lesson.second_class"),
        x=data.test_x[chosen, 0],
        y=data.test_x[chosen, 1],
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 6,
            "opacity": 0.75,
            "color": style_of(kind)["color"],
            "line": {"width": 0.5, "color": "#FFFFFF"},
        },
        hoverinfo="skip",
    )


def _line(axis: np.ndarray, second: np.ndarray, name: str, site: int) -> Any:
    style = style_of(site + 2)
    return _contour(axis, second, name, {"color": style["color"], "dash": style["dash"]}, 2)


def _global_line(axis: np.ndarray, second: np.ndarray) -> Any:
    return _contour(axis, second, text("lesson.global"), {"color": GREY, "dash": "solid"}, 5)


def _contour(
    axis: np.ndarray, second: np.ndarray, name: str, line: dict[str, Any], width: int
) -> Any:
    return go.Contour(
        name=name,
        x=axis,
        y=axis,
        z=np.round(second, 3),
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        line={**line, "width": width, "smoothing": 1},
        showscale=False,
        showlegend=True,
        hoverinfo="skip",
    )
