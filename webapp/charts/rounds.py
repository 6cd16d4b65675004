"""How accuracy and loss went from round to round."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from federated.views import CourseView
from webapp.charts.figure import SKY, Chart, framed, line
from webapp.texts import text
from webapp.words import figure as written


def accuracy_by_round(course: CourseView) -> Chart:
    """Accuracy and AUC on the test pictures, with the band of the sites' own validation.

    Args:
        course: Of one run; rounds without figures leave gaps.
    """
    table = _table(course, ("accuracy", "auc"), "val_accuracy")
    drawn = _drawn(table, text("chart.share_axis"))
    drawn.update_yaxes(range=[0, 1.02])
    return Chart(drawn, _sentence(table, text("figure.accuracy")), table)


def loss_by_round(course: CourseView) -> Chart:
    """Loss on the test pictures, with the band of the sites' own validation (nats)."""
    table = _table(course, ("loss",), "val_loss")
    drawn = _drawn(table, text("chart.loss_axis"))
    drawn.update_yaxes(rangemode="tozero")
    return Chart(drawn, _sentence(table, text("figure.loss")), table)


def _table(course: CourseView, tested: Sequence[str], local: str) -> pd.DataFrame:
    """A row a round: the test figures, then the lowest and highest of the sites."""
    told = [site.metrics[local] for site in course.sites if local in site.metrics]
    columns: dict[str, list[float | None]] = {
        text("chart.round"): [round_.number for round_ in course.rounds]
    }
    for name in tested:
        columns[text(f"figure.{name}")] = [one.evaluation.get(name) for one in course.rounds]
    by_round = [
        [of_site[place] for of_site in told if of_site[place] is not None]
        for place in range(len(course.rounds))
    ]
    columns[text("chart.sites_lowest")] = [min(values, default=None) for values in by_round]  # type: ignore[type-var]
    columns[text("chart.sites_highest")] = [max(values, default=None) for values in by_round]  # type: ignore[type-var]
    return pd.DataFrame(columns)


def _drawn(table: pd.DataFrame, y: str) -> go.Figure:
    numbers = table[text("chart.round")].tolist()
    drawn = go.Figure()
    banded = table.dropna(subset=[text("chart.sites_lowest")])
    if len(banded):
        forth = banded[text("chart.round")].tolist()
        band = banded[text("chart.sites_highest")].tolist()
        band += banded[text("chart.sites_lowest")].tolist()[::-1]
        drawn.add_trace(
            go.Scatter(
                name=text("chart.sites_band"),
                x=forth + forth[::-1],
                y=band,
                fill="toself",
                mode="lines",
                line={"color": SKY, "width": 1},
                fillcolor="rgba(86, 180, 233, 0.22)",
                hoverinfo="skip",
            )
        )
    for place, name in enumerate(table.columns[1:-2]):
        drawn.add_trace(
            line(f"{name} ({text('chart.on_test')})", numbers, list(table[name]), place)
        )
    framed(drawn, x=text("chart.round_axis"), y=y)
    drawn.update_xaxes(dtick=max(1, len(numbers) // 12))
    return drawn


def _sentence(table: pd.DataFrame, name: str) -> str:
    """Where the figure began and where it is now."""
    known = table.dropna(subset=[name])
    if known.empty:
        return text("chart.no_figures", name=name)
    first, last = known.iloc[0], known.iloc[-1]
    if len(known) == 1:
        number = int(first[text("chart.round")])
        return text("chart.began", name=name, first=written(first[name]), round=number)
    return text(
        "chart.went",
        name=name,
        first=written(first[name]),
        first_round=int(first[text("chart.round")]),
        last=written(last[name]),
        last_round=int(last[text("chart.round")]),
    )
