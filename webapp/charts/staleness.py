"""How old the updates of an asynchronous run were when they counted."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from federated.views import CourseView
from webapp.charts.figure import Chart, framed, style_of
from webapp.texts import text
from webapp.words import small


def staleness_by_round(course: CourseView) -> Chart | None:
    """Versions that each counted update was behind, by round and site; None without any.

    Args:
        course: Of one asynchronous run.
    """
    table = _table(course)
    if table.empty:
        return None
    drawn = go.Figure()
    site, round_, age = (text(f"chart.{name}") for name in ("site", "round", "staleness"))
    for place, (name, rows) in enumerate(table.groupby(site)):
        style = style_of(place)
        drawn.add_trace(
            go.Scatter(
                name=str(name),
                x=rows[round_].tolist(),
                y=rows[age].tolist(),
                mode="markers",
                # Open and of growing size, so that sites of the same age both show.
                marker={
                    "symbol": f"{style['symbol']}-open",
                    "color": style["color"],
                    "size": 9 + 5 * (place % 4),
                    "line": {"width": 2.5},
                },
            )
        )
    framed(drawn, x=text("chart.round_axis"), y=text("chart.staleness_axis"))
    last = max(round_.number for round_ in course.rounds)
    drawn.update_xaxes(dtick=max(1, last // 12), range=[0.5, last + 0.5])
    drawn.update_yaxes(dtick=max(1, int(table[age].max()) // 6), range=[-0.5, _top(table[age])])
    return Chart(drawn, _sentence(table[age]), table)


def _table(course: CourseView) -> pd.DataFrame:
    """A row for each update that counted: round, site, where it began, age and share."""
    names = ("round", "site", "base", "staleness", "share")
    columns = [text(f"chart.{name}") for name in names]
    rows = [
        (round_.number, site.node_name, site.base_rounds[place], age, site.shares[place])
        for place, round_ in enumerate(course.rounds)
        for site in course.sites
        if (age := site.staleness[place]) is not None
    ]
    return pd.DataFrame(rows, columns=columns)


def _top(ages: pd.Series[int]) -> float:
    return max(float(ages.max()), 1.0) + 0.6


def _sentence(ages: pd.Series[int]) -> str:
    return text(
        "chart.ages",
        count=len(ages),
        fresh=int((ages == 0).sum()),
        mean=small(float(ages.mean())),
        most=int(ages.max()),
    )
