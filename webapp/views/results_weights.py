"""The global weights before and after a round: all together, and tensor by tensor."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from federated.statistics import Statistics, WeightStatistics
from federated.views import RoundView, RunView
from webapp.charts import weight_changes_chart, weights_histogram
from webapp.desk import Desk
from webapp.layout import guard, section, show, table
from webapp.texts import text
from webapp.words import NOTHING, short, small, whole

FIVE = ("mean", "median", "std", "min", "max")


def weights(desk: Desk, run: RunView, round_: RoundView) -> None:
    """Draws the statistics."""
    found = desk.operator.statistics(run.id, round_.number)
    after = short(round_.weights_after) if round_.weights_after else NOTHING
    st.markdown(text("weights.hashes", before=short(round_.weights_before), after=after))
    if run.frozen:
        st.markdown(_frozen(desk, run))
    table(_rows(found.before.all, found.after.all if found.after else None), text("weights.all"))
    names = ["", *found.before.tensors]
    name = st.selectbox(
        text("weights.which"),
        names,
        format_func=lambda name: name or text("weights.all"),
        key="tensor",
    )
    before, later = _chosen(found.before, name), _chosen(found.after, name)
    if before:
        show(weights_histogram(before, later), "weights-histogram")
    with guard():
        _changes(desk, run)
    section("weights.per_tensor")
    st.dataframe(
        per_tensor(found.before, found.after),
        hide_index=True,
        alt=text("weights.per_tensor"),
        key="per-tensor",
    )


def _changes(desk: Desk, run: RunView) -> None:
    """How far each layer moved, over the rounds."""
    changes = desk.operator.changes(run.id)
    chart = weight_changes_chart(changes)
    if chart is None:
        return
    section("weights.changes")
    st.markdown(text("weights.changes_what"))
    if changes.total > len(changes.rounds):
        st.caption(text("results.thinned", shown=len(changes.rounds), count=changes.total))
    show(chart, "weight-changes")


def _frozen(desk: Desk, run: RunView) -> str:
    """That the statistics are of a part of the model, and how large the rest is where known."""
    models = {view.study.id: view.current for view in desk.operator.studies()}
    current = models.get(run.study)
    if current is None or current.frozen != run.frozen:
        return text("weights.frozen")
    return text("weights.frozen_count", count=whole(current.frozen_parameters))


def _chosen(statistics: WeightStatistics | None, name: str) -> Statistics | None:
    if statistics is None:
        return None
    return statistics.tensors.get(name) if name else statistics.all


def _rows(before: Statistics, after: Statistics | None) -> list[dict[str, object]]:
    rows = [_row(text("chart.before"), before)]
    return rows + ([_row(text("chart.after"), after)] if after else [])


def _row(name: str, values: Statistics) -> dict[str, object]:
    told: dict[str, object] = {text("chart.weights"): name}
    told |= {text(f"weights.{key}"): small(getattr(values, key)) for key in FIVE}
    return told | {text("weights.values"): whole(values.count)}


def per_tensor(before: WeightStatistics, after: WeightStatistics | None) -> pd.DataFrame:
    """A row a tensor, with every figure before and after side by side."""
    rows = []
    for name, old in before.tensors.items():
        new = after.tensors.get(name) if after else None
        row: dict[str, object] = {text("weights.tensor"): name, text("weights.values"): old.count}
        for key in FIVE:
            label = text(f"weights.{key}")
            row[text("weights.was", figure=label)] = getattr(old, key)
            row[text("weights.is", figure=label)] = getattr(new, key) if new else None
        rows.append(row)
    return pd.DataFrame(rows)
