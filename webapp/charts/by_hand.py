"""The weighted mean of three numbers on a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from webapp.charts.figure import GREY, VERMILION, Chart, framed, style_of
from webapp.texts import text
from webapp.words import figure as written


def average_line(sites: Mapping[str, tuple[int, float]], mean: float, plain: float) -> Chart:
    """The sites' values on a line, each as large as its share, with both means.

    Args:
        sites: By name: number of examples, and the value of the weight.
        mean: Their mean, each counted by its examples.
        plain: Their mean, each counted once.
    """
    total = sum(examples for examples, _ in sites.values())
    drawn = go.Figure()
    for place, (name, (examples, value)) in enumerate(sites.items()):
        radius = 14 + 46 * (examples / total) ** 0.5
        colour = style_of(place)["color"]
        drawn.add_trace(_point(name, value, 0.5, colour, "circle", radius, "top center"))
    drawn.add_trace(
        _point(text("chart.new_global"), mean, -0.3, VERMILION, "diamond", 18, "middle right")
    )
    drawn.add_trace(
        _point(text("chart.plain_mean"), plain, -0.75, GREY, "diamond-open", 14, "middle right")
    )
    framed(drawn, x=text("chart.weight_axis"), y="", legend=False)
    drawn.update_yaxes(visible=False, range=[-1.1, 1.2])
    drawn.update_xaxes(range=[-1.15, 1.15], zeroline=True)
    rows = [(name, examples, value) for name, (examples, value) in sites.items()]
    rows.append((text("chart.new_global"), total, mean))
    columns = [text("chart.site"), text("chart.examples"), text("chart.weight_axis")]
    alt = text("chart.by_hand", mean=written(mean), plain=written(plain))
    return Chart(drawn, alt, pd.DataFrame(rows, columns=columns))


def _point(name: str, x: float, y: float, colour: str, symbol: str, size: float, place: str) -> Any:
    return go.Scatter(
        name=name,
        x=[x],
        y=[y],
        mode="markers+text",
        text=[f"  {name}" if place == "middle right" else name],
        textposition=place,
        cliponaxis=False,
        marker={"color": colour, "symbol": symbol, "size": size, "opacity": 0.85},
    )
