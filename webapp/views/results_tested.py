"""How good the model of a round is on the master's test pictures."""

from __future__ import annotations

import streamlit as st

from federated.views import RoundView, RunView
from webapp.api.evaluation import ClassFigures, Report
from webapp.charts import confusion_chart, roc_chart
from webapp.desk import Desk
from webapp.layout import figures, section, show, table
from webapp.texts import text
from webapp.words import figure, percent, plain


def tested(desk: Desk, run: RunView, round_: RoundView) -> None:
    """Draws the report on the test part."""
    if round_.weights_after is None:
        st.markdown(text("tested.open"))
        return
    found = desk.operator.evaluation(run.id, round_.number)
    if found.test is None:
        st.markdown(plain(found.note) if found.note else text("tested.not_yet"))
        return
    _headline(found.test)
    matrix, curve = st.columns(2, gap="large")
    with matrix:
        section("tested.confusion")
        show(confusion_chart(found.test), "confusion")
    with curve:
        section("tested.roc")
        chart = roc_chart(found.test)
        if chart:
            show(chart, "roc")
        else:
            st.markdown(plain(found.test.auc_missing or text("chart.no_auc")))
    section("tested.classes")
    table([_row(entry) for entry in found.test.classes], text("tested.classes"))


def _headline(report: Report) -> None:
    st.markdown(text("tested.on", count=report.num_examples))
    figures(
        {
            text("figure.auc"): figure(report.auc),
            text("figure.accuracy"): percent(report.accuracy),
            text("figure.balanced_accuracy"): percent(report.balanced_accuracy),
            text("figure.loss"): figure(report.loss),
        }
    )
    if report.auc is None and report.auc_missing:
        st.caption(plain(report.auc_missing))


def _row(entry: ClassFigures) -> dict[str, object]:
    return {
        text("chart.class"): entry.name,
        text("figure.precision"): percent(entry.precision),
        text("figure.recall"): percent(entry.recall),
        text("figure.f1"): percent(entry.f1),
        text("figure.auc"): figure(entry.auc),
        text("tested.support"): str(entry.support),
    }
