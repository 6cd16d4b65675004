"""How far the models of other runs are from a reference, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from federated.views import PairedRun, PairedView
from webapp.charts.figure import BLUE, GREY, Chart, framed
from webapp.texts import text
from webapp.words import (
    semicolons,
    signed,
)

LINES = 4
"""Of a run's name: on a phone a long one would leave its interval no room."""


def paired_chart(view: PairedView, names: Mapping[str, str]) -> Chart | None:
    """A point and a bar for each run: its accuracy less the reference's, in points.

    Args:
        view: The comparison.
        names: What each run is called, by its id.

    Returns:
        The chart; None where nothing could be compared.
    """
    known = [one for one in view.runs if one.difference is not None]
    if not known:
        return None
    points = [_points(one.difference) for one in known]
    lows, highs = [_points(one.low) for one in known], [_points(one.high) for one in known]
    drawn = go.Figure(
        go.Scatter(
            x=points,
            y=[names[one.run].replace(" · ", "<br>") for one in known],
            mode="markers",
            marker={"size": 12, "symbol": "diamond", "color": BLUE},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - value for high, value in zip(highs, points, strict=True)],
                "arrayminus": [value - low for low, value in zip(lows, points, strict=True)],
                "thickness": 2.5,
                "width": 8,
                "color": BLUE,
            },
            hovertemplate=text("chart.paired_hover") + "<extra></extra>",
        )
    )
    height = 90 + 16 * LINES * len(known)
    framed(drawn, x=text("chart.paired_axis"), y="", height=height, legend=False)
    drawn.add_vline(x=0, line={"color": GREY, "dash": "dot", "width": 2})
    drawn.update_yaxes(autorange="reversed", type="category")
    return Chart(drawn, _sentence(view, known, names), _table(known, names))


def _points(share: float | None) -> float:
    return 100 * (share or 0.0)


def _sentence(view: PairedView, known: list[PairedRun], names: Mapping[str, str]) -> str:
    told = semicolons(
        text(
            "chart.paired_one",
            name=names[one.run],
            points=signed(_points(one.difference)),
            low=signed(_points(one.low)),
            high=signed(_points(one.high)),
        )
        for one in known
    )
    return text("chart.paired", reference=names[view.reference], told=told)


def _table(known: list[PairedRun], names: Mapping[str, str]) -> pd.DataFrame:
    columns = [text("compare.run"), *(text(f"chart.{end}") for end in ("difference", "from", "to"))]
    rows = [
        (names[one.run], _points(one.difference), _points(one.low), _points(one.high))
        for one in known
    ]
    return pd.DataFrame(rows, columns=columns)
