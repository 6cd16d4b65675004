"""Whether the model is as often right as it is sure."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from webapp.api.evaluation import ReliabilityBin, Report
from webapp.charts.figure import BLUE, GREY, SKY, Chart, framed
from webapp.texts import text
from webapp.words import figure as written
from webapp.words import percent


def reliability_chart(report: Report, *, rounded: bool = False) -> Chart | None:
    """Accuracy by confidence, over bars of how many pictures; None without any bin.

    Args:
        report: What was measured.
        rounded: Whether its counts are rounded, so that no mean is to be taken over them.
    """
    filled = [entry for entry in report.reliability if entry.count]
    if not filled:
        return None
    drawn = go.Figure([_bars(report), _ideal(), _points(filled)])
    framed(drawn, x=text("chart.confidence"), y=text("chart.right_axis"), height=320)
    drawn.update_xaxes(range=[-0.01, 1.01])
    drawn.update_yaxes(range=[0, 1.02])
    columns = ("from", "to", "pictures", "confidence", "right_axis")
    rows = [(e.lower, e.upper, e.count, e.confidence, e.accuracy) for e in report.reliability]
    table = pd.DataFrame(rows, columns=[text(f"chart.{name}") for name in columns])
    return Chart(drawn, _rounded(report) if rounded else _sentence(report, filled), table)


def _bars(report: Report) -> go.Bar:
    bins = report.reliability
    return go.Bar(
        name=text("chart.share_of_pictures"),
        x=[(entry.lower + entry.upper) / 2 for entry in bins],
        y=[entry.count / report.num_examples for entry in bins],
        width=[0.92 * (entry.upper - entry.lower) for entry in bins],
        marker={"color": SKY, "opacity": 0.45},
        customdata=[entry.count for entry in bins],
        hovertemplate=text("chart.reliability_bar_hover"),
    )


def _ideal() -> go.Scatter:
    return go.Scatter(
        name=text("chart.ideal"),
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )


def _points(filled: list[ReliabilityBin]) -> go.Scatter:
    return go.Scatter(
        name=text("chart.right"),
        x=[entry.confidence for entry in filled],
        y=[entry.accuracy for entry in filled],
        mode="lines+markers",
        line={"color": BLUE, "width": 2.5},
        marker={"size": 9},
        customdata=[entry.count for entry in filled],
        hovertemplate=text("chart.reliability_hover"),
    )


def _rounded(report: Report) -> str:
    return text(
        "chart.reliability_rounded",
        accuracy=percent(report.accuracy),
        error=written(report.calibration_error),
    )


def _sentence(report: Report, filled: list[ReliabilityBin]) -> str:
    sure = sum(e.count * e.confidence for e in filled if e.confidence is not None)
    return text(
        "chart.reliability",
        confidence=percent(sure / report.num_examples),
        accuracy=percent(report.accuracy),
        error=written(report.calibration_error),
    )
