"""Runs beside one another: how a figure went in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from federated.views import ComparedRun
from webapp.charts.figure import Chart, framed, line
from webapp.texts import text
from webapp.words import (
    figure as written,
)
from webapp.words import (
    semicolons,
)

SHARES = ("accuracy", "balanced_accuracy", "auc")


def measure_by_run(runs: Sequence[ComparedRun], names: Mapping[str, str], measure: str) -> Chart:
    """A figure on the test pictures over the rounds of each run.

    Args:
        runs: The runs.
        names: What each is called, by its id.
        measure: The figure's name, such as `auc`.
    """
    drawn = go.Figure()
    rows: list[dict[str, object]] = []
    for place, run in enumerate(runs):
        numbers = [one.round for one in run.course]
        values = [one.figures.get(measure) for one in run.course]
        drawn.add_trace(line(names[run.id], numbers, values, place))
        rows += [
            {
                text("compare.run"): names[run.id],
                text("chart.round"): number,
                text(f"figure.{measure}"): value,
            }
            for number, value in zip(numbers, values, strict=True)
        ]
    is_share = measure in SHARES
    y = text("chart.share_axis") if is_share else text("chart.loss_axis")
    framed(drawn, x=text("chart.round_axis"), y=f"{text(f'figure.{measure}')}: {y}")
    drawn.update_yaxes(**({"range": [0, 1.02]} if is_share else {"rangemode": "tozero"}))
    drawn.update_xaxes(dtick=max(1, max((len(run.course) for run in runs), default=1) // 12))
    columns = [text("compare.run"), text("chart.round"), text(f"figure.{measure}")]
    return Chart(drawn, _sentence(runs, names, measure), pd.DataFrame(rows, columns=columns))


def _sentence(runs: Sequence[ComparedRun], names: Mapping[str, str], measure: str) -> str:
    name = text(f"figure.{measure}")
    known = [
        (names[run.id], run.figures[measure])
        for run in runs
        if run.figures.get(measure) is not None
    ]
    if not known:
        return text("chart.no_figures", name=name)
    parts = semicolons(f"{run} {written(value)}" for run, value in known)
    return text("chart.compared", name=name, parts=parts)
