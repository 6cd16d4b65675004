"""Which classes each site's own model recognises, and which the global one does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from webapp.charts.boundaries import accuracies_told, site_name
from webapp.charts.figure import SEQUENTIAL, Chart, framed
from webapp.lesson.data import Dataset
from webapp.lesson.model import Weights, probabilities
from webapp.texts import text

SAID = ("lesson.recognised", "lesson.recognised_first")
"""The sentence of a round, and that from before the first."""


def recognised(
    data: Dataset, weights: Weights, returned: Mapping[int, Weights], hostile: int | None
) -> Chart:
    """A row a model, a column a class, each cell the share of its test examples that is found.

    Args:
        data: Examples in several classes.
        weights: The global model, whose row is the last.
        returned: The sites' own models of the round, by place.
        hostile: Place of the site that means harm, if any.
    """
    names = [site_name(site, hostile) for site in returned] + [text("lesson.global")]
    shares = np.stack([recall(own, data) for own in (*returned.values(), weights)])
    drawn = go.Figure(
        go.Heatmap(
            x=list(data.classes),
            y=names,
            z=np.round(shares * 100),
            zmin=0,
            zmax=100,
            colorscale=SEQUENTIAL,
            texttemplate="%{z:.0f}",
            textfont={"size": 11},
            colorbar={"title": {"text": "%"}, "thickness": 10},
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        )
    )
    height = 120 + 30 * len(names)
    framed(drawn, x=text("lesson.digit_axis"), y="", height=height, legend=False)
    drawn.update_xaxes(type="category", side="bottom")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    return accuracies_told(drawn, SAID, data, weights, returned, hostile)


def recall(weights: Weights, data: Dataset) -> np.ndarray:
    """Of each class the share of its test examples that the model finds, float64 (classes,)."""
    right = probabilities(weights, data.test_x).argmax(1) == data.test_y
    return np.array([right[data.test_y == k].mean() for k in range(len(data.classes))])
