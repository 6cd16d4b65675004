"""What a model gets right and wrong on the test pictures."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from webapp.api.evaluation import Report
from webapp.charts.figure import GREY, SEQUENTIAL, Chart, framed, line
from webapp.texts import text
from webapp.words import figure as written
from webapp.words import percent

COUNTS_SHOWN = 12
"""Up to this many classes a cell has room for its count."""


def confusion_chart(report: Report) -> Chart:
    """The confusion matrix: colour is the share of the true class, the cell's text its count."""
    names = [entry.name for entry in report.classes]
    shares = [[count / max(sum(row), 1) for count in row] for row in report.confusion]
    drawn = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=shares,
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            text=[list(row) for row in report.confusion],
            texttemplate="%{text}" if len(names) <= COUNTS_SHOWN else None,
            textfont={"size": 16},
            hovertemplate=text("chart.confusion_hover") + "<extra></extra>",
            xgap=2,
            ygap=2,
            colorbar={"title": {"text": text("chart.share_of_true"), "side": "right"}},
        )
    )
    height = max(300, 26 * len(names) + 120)
    framed(drawn, x=text("chart.predicted"), y=text("chart.true"), height=height, legend=False)
    drawn.update_yaxes(autorange="reversed")
    table = pd.DataFrame(report.confusion, columns=names)
    table.insert(0, text("chart.true_row"), names)
    return Chart(drawn, _confusion_sentence(report), table)


def roc_chart(report: Report) -> Chart | None:
    """The ROC curve of each class against the rest; None where no class has one.

    With two classes, only that of the second: the other one is its mirror image.
    """
    curves = [entry for entry in report.classes if entry.roc]
    if not curves:
        return None
    if len(report.classes) == 2:
        curves = curves[-1:]
    drawn = go.Figure(
        go.Scatter(
            name=text("chart.guessing"),
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": GREY, "dash": "dot", "width": 1.5},
            hoverinfo="skip",
        )
    )
    for place, entry in enumerate(curves):
        xs, ys = [point[0] for point in entry.roc], [point[1] for point in entry.roc]
        curve = line(f"{entry.name} ({written(entry.auc)})", xs, ys, place)
        drawn.add_trace(curve.update(mode="lines"))
    framed(drawn, x=text("chart.false_positive"), y=text("chart.true_positive"), height=320)
    drawn.update_xaxes(range=[-0.01, 1.01])
    drawn.update_yaxes(range=[-0.01, 1.02])
    rows = [(entry.name, x, y) for entry in curves for x, y in entry.roc]
    columns = [text("chart.class"), text("chart.false_positive"), text("chart.true_positive")]
    return Chart(drawn, _roc_sentence(report), pd.DataFrame(rows, columns=columns))


def _confusion_sentence(report: Report) -> str:
    right = sum(row[place] for place, row in enumerate(report.confusion))
    parts = [
        text("chart.found", name=entry.name, share=percent(entry.recall, 0))
        for entry in report.classes[:COUNTS_SHOWN]
        if entry.recall is not None
    ]
    return text("chart.confusion", right=right, total=report.num_examples, parts="; ".join(parts))


def _roc_sentence(report: Report) -> str:
    if report.auc is None:
        return report.auc_missing or text("chart.no_auc")
    return text("chart.roc", auc=written(report.auc))
