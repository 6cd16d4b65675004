"""How the credits of the sites grew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import plotly.graph_objects as go

from federated.views import CreditTrend
from webapp.charts.figure import Chart, framed, line
from webapp.texts import text
from webapp.words import (
    commas,
    credit,
)

DAY = 24 * 3600 * 1000
"""In milliseconds, as Plotly counts between ticks."""

MARKED = 30
"""Points up to which each has a marker of its own."""


def credit_trend(trends: Sequence[CreditTrend]) -> Chart:
    """Each site's credits so far, over time.

    Args:
        trends: Of some sites, in the order in which they are told; each with a point at least.
    """
    drawn, rows = go.Figure(), []
    for place, one in enumerate(trends):
        times = [datetime.fromtimestamp(at, UTC) for at, _ in one.points]
        sums = [total for _, total in one.points]
        mode = "lines+markers" if len(sums) <= MARKED else "lines"
        drawn.add_trace(line(one.node_name, times, sums, place).update(mode=mode))
        rows += [(one.node_name, at, total) for at, total in zip(times, sums, strict=True)]
    framed(drawn, x=text("chart.time_axis"), y=text("chart.credits_axis"))
    drawn.update_yaxes(rangemode="tozero")
    # Plotly would write the months in English.
    date = text("chart.date_ticks")
    drawn.update_xaxes(
        tickformatstops=[
            {"dtickrange": [None, DAY - 1], "value": f"%H:%M:%S\n{date}"},
            {"dtickrange": [DAY, None], "value": date},
        ],
        hoverformat=f"{date} %H:%M:%S",
    )
    columns = [text("chart.site"), text("chart.time_axis"), text("chart.credits_axis")]
    totals = commas(f"{one.node_name} {credit(one.points[-1][1])}" for one in trends)
    table = pd.DataFrame(rows, columns=columns)
    return Chart(drawn, text("chart.credits", told=totals), table)
