"""What each update of a round brought, as bars to either side of nothing."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from federated.views import CreditShare, RoundCredits
from webapp.charts.figure import BLUE, VERMILION, Chart, framed
from webapp.texts import text
from webapp.words import (
    credit,
    semicolons,
    signed,
)

MOST_TOLD = 8
"""Updates that the sentence names; the table has all."""


def contributions_chart(round_: RoundCredits) -> Chart | None:
    """One bar an update: its contribution in percentage points, with the credits behind it.

    Args:
        round_: How the credits of a round arose.

    Returns:
        The chart; None as long as nothing is known of any update.
    """
    known = [one for one in round_.updates if one.contribution is not None]
    if not known:
        return None
    names = _names(known)
    points = [100 * (one.contribution or 0.0) for one in known]
    drawn = go.Figure(
        go.Bar(
            x=points,
            y=names,
            orientation="h",
            marker={
                "color": [BLUE if value >= 0 else VERMILION for value in points],
                "pattern": {"shape": ["" if value >= 0 else "/" for value in points]},
            },
            text=[signed(value) for value in points],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=text("chart.contribution_hover") + "<extra></extra>",
        )
    )
    height = min(320, 34 * len(known) + 90)
    framed(drawn, x=text("chart.contribution_axis"), y=text("chart.site"), height=height)
    drawn.update_layout(showlegend=False, margin={"b": 8})
    drawn.update_xaxes(range=_range(points), zeroline=True)
    drawn.update_yaxes(autorange="reversed")
    columns = [text("chart.site"), text("chart.contribution_axis"), text("rewards.credits")]
    rows = [
        (name, value, one.credits) for name, value, one in zip(names, points, known, strict=True)
    ]
    return Chart(
        drawn, _sentence(round_, names, points, known), pd.DataFrame(rows, columns=columns)
    )


def _names(known: list[CreditShare]) -> list[str]:
    """A name for each bar; a site with several updates in a round has them numbered."""
    times: dict[str, int] = {}
    names = []
    for one in known:
        times[one.node_name] = times.get(one.node_name, 0) + 1
        again = times[one.node_name]
        names.append(one.node_name if again == 1 else f"{one.node_name} ({again})")
    return names


def _range(points: list[float]) -> list[float]:
    """From the lowest to the highest with room for the figures beside the bars."""
    low, high = min(0.0, *points), max(0.0, *points)
    room = 0.2 * (high - low or 1.0)
    return [low - (room if low < 0 else 0.0), high + room]


def _sentence(
    round_: RoundCredits, names: list[str], points: list[float], known: list[CreditShare]
) -> str:
    told = [
        text("chart.contribution", name=name, points=signed(value), credits=credit(one.credits))
        for name, value, one in zip(names, points, known, strict=True)
    ]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [text("chart.contributions_more", count=len(told) - MOST_TOLD)]
    return text("chart.contributions", round=round_.round, told=semicolons(told))
