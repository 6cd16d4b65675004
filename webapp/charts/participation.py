"""Who took part in which round, as a heat map of sites by rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go

from federated.views import CourseView
from webapp.charts.figure import GREEN, GREY, ORANGE, SKY, VERMILION, Chart, framed
from webapp.texts import text
from webapp.words import commas

INK = "#10151A"

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "trained": ("✓", GREEN),
        "late": ("○", ORANGE),
        "rejected": ("×", VERMILION),
        "offline": ("–", GREY),
        "under_way": ("▶", SKY),
    }
)
"""Symbol and colour of each way to have been part of a round."""

_KIND_OF: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "trained",
        "late": "late",
        "rejected": "rejected",
        "left_out": "offline",
        "expired": "offline",
        "failed": "offline",
        "cancelled": "offline",
        "queued": "under_way",
        "leased": "under_way",
        "training": "under_way",
        "submitted": "under_way",
    }
)


def kind_of(state: str | None) -> str | None:
    """Which of `KINDS` a state is; None where a site had no part in the round."""
    return _KIND_OF.get(state) if state else None


def participation_chart(course: CourseView, rounds: slice, sites: slice) -> Chart | None:
    """A cell for each site and round, with symbol and colour.

    Args:
        course: Of one run.
        rounds: The rounds to show.
        sites: The sites to show.

    Returns:
        The chart; None where there is nothing to show.
    """
    numbers = [round_.number for round_ in course.rounds[rounds]]
    shown = course.sites[sites]
    if not numbers or not shown:
        return None
    names = [site.node_name for site in shown]
    kinds = [[kind_of(state) for state in site.states[rounds]] for site in shown]
    drawn = go.Figure([_cells(numbers, names, kinds), *_legend(kinds)])
    height = 150 + 24 * len(names)
    framed(drawn, x=text("chart.round_axis"), y=text("chart.site"), height=height)
    drawn.update_xaxes(dtick=max(1, len(numbers) // 12), showgrid=False)
    drawn.update_yaxes(autorange="reversed", showgrid=False, type="category")
    drawn.update_xaxes(range=[numbers[0] - 0.5, numbers[-1] + 0.5])
    return Chart(drawn, _sentence(kinds, len(names), numbers), _table(names, numbers, kinds))


def _cells(numbers: list[int], names: list[str], kinds: list[list[str | None]]) -> go.Heatmap:
    order = list(KINDS)
    steps = len(order)
    scale = [
        [end / steps, colour]
        for place, (_, colour) in enumerate(KINDS.values())
        for end in (place, place + 1)
    ]
    return go.Heatmap(
        x=numbers,
        y=names,
        z=[[order.index(kind) if kind else None for kind in row] for row in kinds],
        zmin=-0.5,
        zmax=steps - 0.5,
        colorscale=scale,
        showscale=False,
        text=[[KINDS[kind][0] if kind else "" for kind in row] for row in kinds],
        customdata=[[_word(kind) if kind else "" for kind in row] for row in kinds],
        texttemplate="%{text}",
        textfont={"color": INK, "size": 13},
        hovertemplate=text("chart.participation_hover") + "<extra></extra>",
        xgap=2,
        ygap=2,
    )


def _legend(kinds: list[list[str | None]]) -> list[go.Scatter]:
    """A heat map has no legend of its own: squares of each kind that occurs."""
    present = {kind for row in kinds for kind in row}
    return [
        go.Scatter(
            name=f"{symbol} {_word(kind)}",
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 12, "color": colour},
        )
        for kind, (symbol, colour) in KINDS.items()
        if kind in present
    ]


def _word(kind: str) -> str:
    return text(f"chart.took_part_{kind}")


def _table(names: list[str], numbers: list[int], kinds: list[list[str | None]]) -> pd.DataFrame:
    table = pd.DataFrame({text("chart.site"): names})
    for place, number in enumerate(numbers):
        kind_in_round = [row[place] for row in kinds]
        table[str(number)] = [_word(kind) if kind else "" for kind in kind_in_round]
    return table


def _sentence(kinds: list[list[str | None]], sites: int, numbers: list[int]) -> str:
    counts = Counter(kind for row in kinds for kind in row if kind)
    parts = commas(
        text("chart.took_part_count", word=_word(kind), count=counts[kind])
        for kind in KINDS
        if counts[kind]
    )
    return text(
        "chart.participation",
        sites=sites,
        first=numbers[0],
        last=numbers[-1],
        parts=parts or text("chart.none"),
    )
