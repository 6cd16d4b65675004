"""How the values of the global weights are spread, before and after a round."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from federated.statistics import Histogram, Statistics
from webapp.charts.figure import BLUE, ORANGE, Chart, framed
from webapp.texts import text
from webapp.words import small


def weights_histogram(before: Statistics, after: Statistics | None) -> Chart:
    """Densities of the values of some weights, as outlines over each other.

    Densities, not counts, because the bins before and after differ in width. The axis is
    logarithmic, because most weights lie near zero.

    Args:
        before: Before the round, or of the only weights there are.
        after: After it; None while the round is open, or where nothing is compared.
    """
    series = {text("chart.before" if after else "chart.now"): (before, ORANGE, "dash")}
    if after:
        series[text("chart.after")] = (after, BLUE, "solid")
    drawn, tables = go.Figure(), []
    for name, (values, colour, dash) in series.items():
        densities = _densities(values.histogram)
        edges = list(values.histogram.edges)
        drawn.add_trace(
            go.Scatter(
                name=name,
                x=edges,
                # The last bin's height is repeated so that the outline reaches its right edge.
                y=[*densities, densities[-1]],
                mode="lines",
                line={"shape": "hv", "color": colour, "dash": dash, "width": 2},
            )
        )
        tables.append(_table(name, values.histogram))
    framed(drawn, x=text("chart.value_axis"), y=text("chart.density_axis"))
    drawn.update_yaxes(type="log", exponentformat="power", dtick=1)
    return Chart(drawn, _sentence(before, after), pd.concat(tables, ignore_index=True))


def _densities(histogram: Histogram) -> list[float | None]:
    """Share of the values per unit; None where a bin is empty, which a logarithm cannot show."""
    total = sum(histogram.counts)
    widths = [b - a for a, b in zip(histogram.edges, histogram.edges[1:], strict=False)]
    return [
        count / (total * width) if count and width > 0 else None
        for count, width in zip(histogram.counts, widths, strict=True)
    ]


def _table(name: str, histogram: Histogram) -> pd.DataFrame:
    return pd.DataFrame(
        {
            text("chart.weights"): name,
            text("chart.from"): histogram.edges[:-1],
            text("chart.to"): histogram.edges[1:],
            text("chart.count"): histogram.counts,
        }
    )


def _sentence(before: Statistics, after: Statistics | None) -> str:
    if after is None:
        return text(
            "chart.spread_now",
            mean=small(before.mean),
            std=small(before.std),
            min=small(before.min),
            max=small(before.max),
        )
    return text(
        "chart.spread_change",
        std_before=small(before.std),
        std_after=small(after.std),
        mean_before=small(before.mean),
        mean_after=small(after.mean),
    )
