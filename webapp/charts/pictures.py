"""How many pictures there are, and what the model makes of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from webapp.charts.figure import BLUE, SKY, Chart, framed, ink_on, style_of
from webapp.texts import text
from webapp.words import (
    commas,
    percent,
    semicolons,
    whole,
)

PATTERNS = ("", "/", ".", "x", "\\", "-")

MOST_SITES = 16
"""Sites that a chart has room for."""


def counts_by_site(counts: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> Chart:
    """Labelled pictures as stacked bars, one bar a site.

    Args:
        counts: By site, then by class; of very many sites those with most pictures are drawn.
        classes: The study's classes, in order.
    """
    table = pd.DataFrame([{text("chart.site"): site, **counts[site]} for site in counts])
    by_number = sorted(counts, key=lambda site: -sum(counts[site].values()))[:MOST_SITES]
    more, counts = len(counts) - len(by_number), {s: counts[s] for s in counts if s in by_number}
    drawn = go.Figure()
    for place, name in enumerate(classes):
        values = [counts[site].get(name, 0) for site in counts]
        drawn.add_trace(
            go.Bar(
                name=name,
                y=list(counts),
                x=values,
                orientation="h",
                text=[value or "" for value in values],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                insidetextfont={"color": ink_on(style_of(place)["color"])},
                marker={
                    "color": style_of(place)["color"],
                    "pattern": {
                        "shape": PATTERNS[place % len(PATTERNS)],
                        "fillmode": "overlay",
                        "solidity": 0.12,
                    },
                },
            )
        )
    height = 130 + 44 * max(len(counts), 1)
    framed(drawn, x=text("chart.pictures_axis"), y="", height=height, barmode="stack", bargap=0.35)
    drawn.update_yaxes(autorange="reversed")
    # A number that finds no room in its part stands in the sentence and in the table.
    room = {"minsize": 10, "mode": "hide"}
    drawn.update_layout(legend={"traceorder": "normal"}, uniformtext=room)
    said = _counts_sentence(counts)
    if more:
        said = f"{said} {text('chart.more_sites', count=more)}"
    return Chart(drawn, said, table)


def probabilities_chart(probabilities: Mapping[str, float], top: int = 8) -> Chart:
    """The most probable classes as bars.

    Args:
        probabilities: By class; each 0 to 1.
        top: Bars at most.
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])[:top]
    names, shares = [name for name, _ in ranked], [share for _, share in ranked]
    drawn = go.Figure(
        go.Bar(
            y=names,
            x=[share * 100 for share in shares],
            orientation="h",
            text=[percent(share) for share in shares],
            textposition="auto",
            # Level: beside a bar that is too short for it, not upright within.
            textangle=0,
            insidetextfont={"color": [ink_on(BLUE), *([ink_on(SKY)] * (len(names) - 1))]},
            marker={"color": [BLUE, *([SKY] * (len(names) - 1))]},
        )
    )
    height = 90 + 42 * len(names)
    framed(drawn, x=text("chart.probability_axis"), y="", height=height, legend=False, bargap=0.3)
    drawn.update_xaxes(range=[0, 100])
    drawn.update_yaxes(autorange="reversed")
    table = pd.DataFrame({text("chart.class"): names, text("chart.probability"): shares})
    told = commas(f"{name} {percent(share)}" for name, share in ranked)
    return Chart(drawn, text("chart.probabilities", told=told), table)


def _counts_sentence(counts: Mapping[str, Mapping[str, int]]) -> str:
    told = (
        f"{site}: "
        + (commas(f"{whole(n)} {name}" for name, n in by.items() if n) or text("chart.none"))
        for site, by in counts.items()
    )
    return text("chart.counts", told=semicolons(told) or text("chart.none"))
