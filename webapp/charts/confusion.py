"""Which classes a model takes for which on the test pictures."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from webapp.api.evaluation import Report
from webapp.charts.figure import SEQUENTIAL, Chart, framed
from webapp.texts import text
from webapp.words import (
    percent,
    semicolons,
)

FEW = 4
"""Up to this many classes a count may be written large."""

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
            text=_cells(report, shares),
            customdata=[list(row) for row in report.confusion],
            texttemplate="%{text}" if len(names) <= COUNTS_SHOWN else None,
            textfont={"size": 16 if len(names) <= FEW else 12},
            hovertemplate=text("chart.confusion_hover") + "<extra></extra>",
            xgap=2,
            ygap=2,
            # Where each cell tells its count, the scale would only take their room.
            showscale=len(names) > COUNTS_SHOWN,
            colorbar={"title": {"text": text("chart.share_of_true"), "side": "right"}},
        )
    )
    height = max(300, 30 * len(names) + 150)
    framed(drawn, x=text("chart.predicted"), y=text("chart.true"), height=height, legend=False)
    drawn.update_yaxes(autorange="reversed")
    table = pd.DataFrame(report.confusion, columns=names)
    table.insert(0, text("chart.true_row"), names)
    return Chart(drawn, _confusion_sentence(report), table)


def _cells(report: Report, shares: list[list[float]]) -> list[list[str]]:
    """What the cells tell: the count, and of few classes the share of the true class too."""
    few = len(report.classes) <= FEW
    return [
        [
            f"{count}<br>{percent(share, 0)}" if few else str(count)
            for count, share in zip(counts, row, strict=True)
        ]
        for counts, row in zip(report.confusion, shares, strict=True)
    ]


def _confusion_sentence(report: Report) -> str:
    right = sum(row[place] for place, row in enumerate(report.confusion))
    parts = [
        text("chart.found", name=entry.name, share=percent(entry.recall, 0))
        for entry in report.classes[:COUNTS_SHOWN]
        if entry.recall is not None
    ]
    return text("chart.confusion", right=right, total=report.num_examples, parts=semicolons(parts))
