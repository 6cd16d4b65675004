"""What every threshold comes to: ROC and precision-recall curves."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from webapp.api.evaluation import ClassFigures, OperatingPoint, Points, Report
from webapp.charts.figure import BLUE, GREY, ORANGE, Chart, framed, line
from webapp.texts import text
from webapp.words import figure as written
from webapp.words import percent

HEIGHT = 320
MOST_CURVES = 12
"""As many as colour and dash together tell apart; of more, those of most pictures are drawn."""


def roc_chart(report: Report) -> Chart | None:
    """The ROC curve of each class against the rest; None where no class has one.

    With two classes, only that of the second: the other one is its mirror image. What is found
    at the first specificity asked for is marked on it.
    """
    entries = _shown(report)
    if not entries:
        return None
    drawn = _drawn("roc", {f"{e.name} ({written(e.auc)})": e.roc for e in entries})
    drawn.add_trace(_guessing([0, 1], [0, 1]))
    if len(entries) == 1 and entries[0].sensitivity_at:
        drawn.add_trace(_mark(entries[0].sensitivity_at[0]))
    axes = ("false_positive", "true_positive")
    said = text("chart.roc", auc=written(report.auc)) if report.auc is not None else None
    return _chart(drawn, said or report.auc_missing or text("chart.no_auc"), entries, "roc", axes)


def precision_recall_chart(report: Report) -> Chart | None:
    """The precision-recall curve of the classes that `roc_chart` shows; None without any."""
    entries = [entry for entry in _shown(report) if entry.precision_recall]
    if not entries:
        return None
    drawn = _drawn(
        "precision_recall",
        {f"{e.name} ({written(e.average_precision)})": e.precision_recall for e in entries},
    )
    axes = ("recall_axis", "precision_axis")
    if len(entries) > 1:
        said = text("chart.precision_recall_mean", figure=_average_precision(report, entries))
        return _chart(drawn, said, entries, "precision_recall", axes)
    share = entries[0].support / report.num_examples
    drawn.add_trace(_guessing([0, 1], [share, share]))
    said = text(
        "chart.precision_recall",
        figure=_average_precision(report, entries),
        name=entries[0].name,
        share=written(share),
    )
    return _chart(drawn, said, entries, "precision_recall", axes)


def _shown(report: Report) -> list[ClassFigures]:
    """The classes whose curves are drawn, in the study's order."""
    entries = [entry for entry in report.classes if entry.roc]
    if len(report.classes) == 2:
        return entries[-1:]
    frequent = sorted(entries, key=lambda entry: -entry.support)[:MOST_CURVES]
    return [entry for entry in entries if entry in frequent]


def _average_precision(report: Report, entries: list[ClassFigures]) -> str:
    if report.average_precision is not None:
        return written(report.average_precision)
    told = [e.average_precision for e in entries if e.average_precision is not None]
    return written(sum(told) / len(told) if told else None)


def _drawn(kind: str, curves: dict[str, Points]) -> Any:
    drawn = go.Figure()
    for place, (name, points) in enumerate(curves.items()):
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        curve = line(name, xs, ys, place, hovertemplate=text(f"chart.{kind}_hover"))
        drawn.add_trace(curve.update(mode="lines"))
    return drawn


def _guessing(x: list[float], y: list[float]) -> Any:
    return go.Scatter(
        name=text("chart.guessing"),
        x=x,
        y=y,
        mode="lines",
        line={"color": GREY, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )


def _mark(point: OperatingPoint) -> Any:
    reached = point.specificity if point.reached is None else point.reached
    return go.Scatter(
        name=text("chart.at_specificity", specificity=percent(point.specificity, 0)),
        x=[1 - reached],
        y=[point.sensitivity],
        mode="markers",
        marker={
            "symbol": "circle",
            "size": 13,
            "color": ORANGE,
            "line": {"width": 2, "color": BLUE},
        },
    )


def _chart(
    drawn: Any, said: str, entries: list[ClassFigures], points: str, axes: tuple[str, str]
) -> Chart:
    x, y = (text(f"chart.{axis}") for axis in axes)
    # Higher for each line of the legend, so that the curves keep their room.
    framed(drawn, x=x, y=y, height=HEIGHT + 16 * (len(entries) - 1))
    drawn.update_xaxes(range=[-0.01, 1.01])
    drawn.update_yaxes(range=[-0.01, 1.02])
    rows = [(entry.name, *point) for entry in entries for point in getattr(entry, points)]
    if len(entries) == MOST_CURVES:
        said = f"{said} {text('chart.most_frequent', count=MOST_CURVES)}"
    return Chart(drawn, said, pd.DataFrame(rows, columns=[text("chart.class"), x, y]))
