"""Each site's model on each other site's validation pictures, as a heatmap."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from federated.views import CrossSiteView
from webapp.charts.figure import SEQUENTIAL, Chart, framed
from webapp.texts import text
from webapp.words import figure as written

CELLS_TOLD = 12
"""Up to so many models a cell has room for its figure."""

GLOBAL = "global"


def cross_site_chart(view: CrossSiteView, measure: str) -> Chart | None:
    """The matrix: a row for each site that answered, a column for each model.

    Args:
        view: The measurement.
        measure: The figure's name: `accuracy`, `balanced_accuracy`, `auc` or `loss`.

    Returns:
        The chart; None as long as no site has answered.
    """
    models = [place for place, model in enumerate(view.models) if model.weights]
    sites = [site for site in view.sites if site.figures]
    if not sites or not models:
        return None
    columns = [_name(view.models[place].name) for place in models]
    values = [[_value(site.figures[place], measure) for place in models] for site in sites]
    names = [f"{site.node_name} ({site.num_examples})" for site in sites]
    is_loss = measure == "loss"
    drawn = go.Figure(
        go.Heatmap(
            x=columns,
            y=names,
            z=values,
            zmin=0,
            zmax=None if is_loss else 1,
            colorscale=SEQUENTIAL,
            reversescale=is_loss,
            text=[[written(value) for value in row] for row in values],
            texttemplate="%{text}" if len(columns) <= CELLS_TOLD else None,
            textfont={"size": 14},
            hovertemplate=text("chart.cross_site_hover") + "<extra></extra>",
            xgap=2,
            ygap=2,
            colorbar={"title": {"text": text(f"figure.{measure}"), "side": "right"}},
        )
    )
    height = max(300, 34 * len(names) + 140)
    x, y = text("chart.model_of"), text("chart.measured_at")
    framed(drawn, x=x, y=y, height=height, legend=False)
    drawn.update_yaxes(autorange="reversed")
    # Level where the names have room, as on most screens; else turned.
    drawn.update_xaxes(autotickangles=[0, 35, 90])
    table = pd.DataFrame(values, columns=columns)
    table.insert(0, text("chart.site"), names)
    return Chart(drawn, _sentence(view, models, measure), table)


def _name(name: str) -> str:
    return text("chart.global_model") if name == GLOBAL else name


def _value(figures: object, measure: str) -> float | None:
    value: float | None = getattr(figures, measure, None)
    return value


def _sentence(view: CrossSiteView, models: list[int], measure: str) -> str:
    """What the matrix is for: at home, elsewhere, and the model that all made together."""
    home: list[float] = []
    away: list[float] = []
    together: list[float] = []
    for site in view.sites:
        for place in models if site.figures else []:
            value = _value(site.figures[place], measure)
            if value is None:
                continue
            model = view.models[place]
            kind = together if model.node is None else home if model.node == site.node else away
            kind.append(value)
    return text(
        "chart.cross_site",
        name=text(f"figure.{measure}"),
        home=written(_mean(home)),
        away=written(_mean(away)),
        together=written(_mean(together)),
    )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
