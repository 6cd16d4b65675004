"""How each site's own figures went from round to round, beside those of the test part."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from federated.views import CourseView
from webapp.charts.figure import GREY, MOST_MARKERS, Chart, framed, line
from webapp.texts import text
from webapp.words import figure as written

MEASURES = ("auc", "balanced_accuracy", "f1", "sensitivity_at_90", "accuracy", "loss")
"""What sites tell of their validation parts, as `val_<name>`."""

MOST_SITES = 12
"""As many as colour and dash together tell apart; of more, the ends and the middle are drawn."""


def measures_told(course: CourseView) -> list[str]:
    """The measures that at least one site has told, in the order of `MEASURES`."""
    told = {name for site in course.sites for name in site.metrics}
    return [name for name in MEASURES if f"val_{name}" in told]


def sites_by_round(course: CourseView, measure: str) -> Chart:
    """One line a site, and one for the test part; lines break where nothing was told.

    Args:
        course: Of one run.
        measure: One of `MEASURES`.
    """
    table = _table(course, measure)
    numbers = table[text("chart.round")].tolist()
    sites = list(table.columns[1:-1])
    lines = table[sites] if len(sites) <= MOST_SITES else _ends_and_middle(table[sites])
    drawn = go.Figure()
    for place, name in enumerate(lines.columns):
        drawn.add_trace(line(str(name), numbers, lines[name].tolist(), place))
    tested = table[text("chart.test_part")]
    drawn.add_trace(_tested(numbers, tested))
    loss = measure == "loss"
    axis = text("chart.loss_axis" if loss else "chart.share_axis")
    framed(drawn, x=text("chart.round_axis"), y=f"{text(f'figure.{measure}')} · {axis}")
    drawn.update_xaxes(dtick=max(1, len(numbers) // 12))
    drawn.update_yaxes(**({"rangemode": "tozero"} if loss else {"range": [0, 1.02]}))
    return Chart(drawn, _sentence(table[sites], measure), table)


def _table(course: CourseView, measure: str) -> pd.DataFrame:
    """A row a round: each site's figure, then that of the test part."""
    key = f"val_{measure}"
    columns: dict[str, list[float | None]] = {
        text("chart.round"): [round_.number for round_ in course.rounds]
    }
    columns |= {site.node_name: site.metrics[key] for site in course.sites if key in site.metrics}
    columns[text("chart.test_part")] = [round_.evaluation.get(measure) for round_ in course.rounds]
    # As numbers, so that what nobody told is a gap and not an object.
    return pd.DataFrame(columns).astype(dict.fromkeys([*columns][1:], "float64"))


def _ends_and_middle(lines: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            text("chart.sites_highest"): lines.max(axis=1),
            text("chart.sites_middle"): lines.median(axis=1),
            text("chart.sites_lowest"): lines.min(axis=1),
        }
    )


def _tested(numbers: list[int], tested: pd.Series[float]) -> go.Scatter:
    return go.Scatter(
        name=text("chart.test_part"),
        x=numbers,
        y=tested.tolist(),
        mode="lines+markers" if len(numbers) <= MOST_MARKERS else "lines",
        line={"color": GREY, "width": 4},
        marker={"symbol": "circle", "size": 9},
    )


def _sentence(sites: pd.DataFrame, measure: str) -> str:
    """Between which figures the sites lie in the last round that has any."""
    told = sites.dropna(how="all")
    name = text(f"figure.{measure}")
    if told.empty:
        return text("chart.no_figures", name=name)
    last = told.iloc[-1].dropna()
    if len(last) == 1:
        site, value = str(last.index[0]), written(float(last.iloc[0]))
        return text("chart.one_site", name=name, site=site, figure=value)
    return text(
        "chart.sites",
        name=name,
        count=len(last),
        low=written(float(last.min())),
        high=written(float(last.max())),
        lowest=str(last.idxmin()),
        highest=str(last.idxmax()),
    )
