"""How far each layer of the global model moved in each round."""

from __future__ import annotations

import math
from collections import defaultdict

import pandas as pd
import plotly.graph_objects as go

from federated.views import WeightChanges
from webapp.charts.figure import SEQUENTIAL, Chart, framed
from webapp.texts import text
from webapp.words import percent

MOST_LAYERS = 24
"""Rows that stay legible; of more layers, those that moved most in the last round are drawn."""

LEAST = 1e-5
"""Changes below this share are drawn alike: a logarithm cannot show none at all."""

BIASES = ("bias", "beta")
"""They begin at nothing, so that their first steps are many times their length."""

STATISTICS = ("moving_mean", "moving_variance")
"""BatchNorm's, which are measured and not learnt: they jump where weights take steps."""


def weight_changes_chart(changes: WeightChanges) -> Chart | None:
    """A row a layer, a column a round: the largest relative change of a tensor of the layer.

    Args:
        changes: Of one run.

    Returns:
        The chart; None as long as no round is closed.
    """
    layers = _layers(changes)
    if not changes.rounds or not layers:
        return None
    shown = _moved_most(layers)
    values = [layers[name] for name in shown]
    numbers = [str(number) for number in changes.rounds]
    low, high = _ends(values)
    drawn = go.Figure(
        go.Heatmap(
            x=numbers,
            y=shown,
            z=[[_log(value) for value in row] for row in values],
            zmin=low,
            zmax=high,
            colorscale=SEQUENTIAL,
            customdata=[[percent(value, 2) for value in row] for row in values],
            hovertemplate=text("chart.changes_hover") + "<extra></extra>",
            colorbar={
                "title": {"text": text("chart.changes_axis"), "side": "right"},
                "tickvals": list(range(low, high + 1)),
                "ticktext": [
                    percent(10.0**power, max(0, -power - 2)) for power in range(low, high + 1)
                ],
            },
            xgap=1,
            ygap=1,
        )
    )
    x, y = text("chart.round_axis"), text("chart.layer")
    framed(drawn, x=x, y=y, height=130 + 20 * len(shown), legend=False)
    drawn.update_yaxes(autorange="reversed", type="category", showgrid=False)
    drawn.update_xaxes(type="category", showgrid=False, nticks=12)
    return Chart(drawn, _sentence(layers, changes.rounds), _table(layers, numbers))


def _layers(changes: WeightChanges) -> dict[str, list[float | None]]:
    """The largest change of a tensor of each layer; of its biases only where it has no other."""
    members: dict[str, dict[str, list[float | None]]] = defaultdict(dict)
    for name, values in changes.tensors.items():
        layer, _, tensor = name.rpartition("/")
        if tensor not in STATISTICS:
            members[layer or name][tensor] = values
    return {layer: _largest(_without_biases(tensors)) for layer, tensors in members.items()}


def _without_biases(tensors: dict[str, list[float | None]]) -> list[list[float | None]]:
    others = [values for name, values in tensors.items() if name not in BIASES]
    return others or [*tensors.values()]


def _largest(rows: list[list[float | None]]) -> list[float | None]:
    columns = zip(*rows, strict=True)
    return [max((v for v in column if v is not None), default=None) for column in columns]


def _moved_most(layers: dict[str, list[float | None]]) -> list[str]:
    ranked = sorted(layers, key=lambda name: -(layers[name][-1] or 0.0))[:MOST_LAYERS]
    return [name for name in layers if name in ranked]


def _log(value: float | None) -> float | None:
    return None if value is None else math.log10(max(value, LEAST))


def _ends(values: list[list[float | None]]) -> tuple[int, int]:
    """Powers of ten between which all changes lie, at least one apart."""
    logs = [log for row in values for value in row if (log := _log(value)) is not None]
    low, high = math.floor(min(logs, default=-2)), math.ceil(max(logs, default=0))
    return low, max(high, low + 1)


def _table(layers: dict[str, list[float | None]], numbers: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({text("chart.layer"): list(layers)})
    for place, number in enumerate(numbers):
        table[number] = [layers[name][place] for name in layers]
    return table


def _sentence(layers: dict[str, list[float | None]], rounds: list[int]) -> str:
    last = {name: values[-1] for name, values in layers.items() if values[-1] is not None}
    if not last:
        return text("chart.changes_none")
    most = max(last, key=lambda name: last[name] or 0.0)
    least = min(last, key=lambda name: last[name] or 0.0)
    return text(
        "chart.changes",
        round=rounds[-1],
        most=most,
        high=percent(last[most], 1),
        least=least,
        low=percent(last[least], 1),
    )
