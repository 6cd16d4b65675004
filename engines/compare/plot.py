"""A comparison as one page of charts that opens in any browser, without a network."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import plotly.io

from engines.compare.summary import NeverSeen, Row, Spread
from engines.compare.tables import name_of, told
from webapp.charts.figure import BLUE, ORANGE, VERMILION, framed, style_of
from webapp.charts.pictures import counts_by_site

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem; color: #10151a; }} h2 {{ font-size: 1.1rem; margin-top: 2.5rem; }}
pre {{ overflow-x: auto; }}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""

LOW = 0.1
"""Recall below which a bar has no room for its figure."""

Holdings = Mapping[str, Mapping[str, Mapping[str, int]]]
"""By partition, then by site, then by class."""


def page_of(
    title: str,
    rows: Sequence[Row],
    entries: Sequence[NeverSeen],
    holdings: Holdings,
    text: str,
) -> str:
    """The page: the ways side by side, classes that a site never saw, and who holds what.

    Args:
        title: What was compared.
        rows: The ways.
        entries: Classes that a site had no picture of; may be empty.
        holdings: Who trained on what, in the first repeat.
        text: The tables, for who cannot see the charts.
    """
    parts = [("What each way is worth", ways_figure(rows))]
    if entries:
        parts.append(("Classes that a site never saw", never_seen_figure(entries)))
    for partition, counts in holdings.items():
        classes = list(next(iter(counts.values()), {}))
        parts.append((f"Who trains on what: {partition}", counts_by_site(counts, classes).figure))
    body = [f"<pre>{html.escape(text)}</pre>"]
    for number, (heading, figure) in enumerate(parts):
        # The script lies in the page once, so that it opens without a network.
        figure.update_layout(template="plotly_white")
        drawn = plotly.io.to_html(
            figure,
            full_html=False,
            include_plotlyjs=number == 0,
            config={"displayModeBar": False},
        )
        body.append(f"<h2>{html.escape(heading)}</h2>{drawn}")
    return PAGE.format(title=html.escape(title), body="\n".join(body))


def ways_figure(rows: Sequence[Row], figure: str = "auc") -> Any:
    """Bars of one figure, mean over the repeats, with its standard deviation."""
    shown = [row for row in rows if figure in row.figures]
    names = [
        f"{name_of(row)} – {row.partition}" if row.partition else name_of(row) for row in shown
    ]
    spreads = [row.figures[figure] for row in shown]
    colours = {"together": ORANGE, "alone": VERMILION, "federated": BLUE}
    drawn = go.Figure(
        go.Bar(
            y=names,
            x=[spread.mean for spread in spreads],
            orientation="h",
            marker={"color": [colours[row.kind] for row in shown]},
            error_x={"type": "data", "array": [spread.deviation or 0 for spread in spreads]},
            text=[told(spread) for spread in spreads],
            textposition="inside",
            insidetextanchor="start",
        )
    )
    title = {"auc": "AUC on the test pictures"}.get(figure, figure)
    framed(drawn, x=title, y="", height=110 + 40 * len(shown), legend=False)
    lowest = min((spread.mean for spread in spreads), default=0.0)
    drawn.update_xaxes(range=[0.5 if figure == "auc" and lowest > 0.5 else 0, 1.0])
    drawn.update_yaxes(autorange="reversed")
    return drawn


def never_seen_figure(entries: Sequence[NeverSeen]) -> Any:
    """Recall of each class at the site that never saw it: its own model beside the global one."""
    names = [_name(entry) for entry in entries]
    strategies = sorted({name for entry in entries for name in entry.federated})
    drawn = go.Figure()
    drawn.add_trace(_bars("the site alone", names, [e.alone for e in entries], VERMILION))
    for place, strategy in enumerate(strategies):
        colour = BLUE if place == 0 else style_of(place)["color"]
        values = [entry.federated.get(strategy) for entry in entries]
        drawn.add_trace(_bars(f"federated ({strategy})", names, values, colour))
    framed(drawn, x="", y="recall of the class", height=380, barmode="group", bargap=0.3)
    drawn.update_yaxes(range=[0, 1.05])
    return drawn


def _bars(name: str, names: Sequence[str], values: Sequence[Spread | None], colour: str) -> Any:
    return go.Bar(
        name=name,
        x=list(names),
        y=[value.mean if value else None for value in values],
        error_y={"type": "data", "array": [(v.deviation or 0) if v else 0 for v in values]},
        text=[f"{value.mean:.2f}" if value else "" for value in values],
        # At the foot, where no error bar is; a bar that is too low for that has it on its head.
        textposition=["inside" if value and value.mean > LOW else "outside" for value in values],
        insidetextanchor="start",
        marker={"color": colour},
    )


def _name(entry: NeverSeen) -> str:
    more = f"<br>{html.escape(entry.variation)}" if entry.variation else ""
    return f"{html.escape(entry.site)}: never saw<br>{html.escape(entry.label)}{more}"
