"""How good the model of a round is on the master's test pictures."""

from __future__ import annotations

import streamlit as st

from federated.views import RoundView, RunView
from webapp.api.evaluation import ClassFigures, Report
from webapp.charts import (
    Chart,
    confusion_chart,
    precision_recall_chart,
    reliability_chart,
    roc_chart,
)
from webapp.desk import Desk
from webapp.findings import findings, from_to, with_interval
from webapp.layout import figures, section, show, table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    NOTHING,
    commas,
    figure,
    percent,
    plain,
    sentences,
)

IN_PERCENT = ("accuracy", "balanced_accuracy")

FOUND_WIDTH = 720
"""Pixels: the measure of a line, as everywhere."""


def tested(desk: Desk, run: RunView, round_: RoundView) -> None:
    """Draws the report on the test part."""
    if round_.weights_after is None:
        st.markdown(text("tested.open"))
        return
    found = desk.operator.evaluation(run.id, round_.number)
    if found.test is None:
        st.markdown(plain(retold(found.note)) if found.note else text("tested.not_yet"))
        return
    _headline(found.test)
    _found(found.test)
    _curves(found.test)
    _mistakes(found.test)
    _classes(found.test)


def _headline(report: Report) -> None:
    st.markdown(text("tested.on", count=report.num_examples))
    names = ("auc", "average_precision", "accuracy", "balanced_accuracy", "loss", "brier")
    shown = {text(f"figure.{name}"): _written(report, name) for name in names}
    intervals = {
        text(f"figure.{name}"): from_to(report.intervals.get(name), in_percent=name in IN_PERCENT)
        for name in names
    }
    figures(shown, below=intervals)
    if report.auc is None and report.auc_missing:
        st.caption(plain(report.auc_missing))
    if report.resamples:
        st.caption(text("tested.intervals", count=report.resamples))


def _written(report: Report, name: str) -> str:
    value: float | None = getattr(report, name)
    return percent(value) if name in IN_PERCENT else figure(value)


def _found(report: Report) -> None:
    """How much is found at few false alarms: what a clinician asks first."""
    found = findings(report)
    if found:
        with st.container(border=True, width=FOUND_WIDTH):
            st.header(plain(found[0]), anchor=False)
            st.markdown(plain(sentences(*found[1:])))


def _curves(report: Report) -> None:
    roc, precision_recall = st.columns(2, gap="large")
    missing = report.auc_missing or text("tested.no_curve")
    with roc:
        section("tested.roc")
        _show_or_say(roc_chart(report), "roc", missing)
    with precision_recall:
        section("tested.precision_recall")
        _show_or_say(precision_recall_chart(report), "precision-recall", missing)


def _mistakes(report: Report) -> None:
    matrix, reliability = st.columns(2, gap="large")
    with matrix:
        section("tested.confusion")
        show(confusion_chart(report), "confusion")
    with reliability:
        section("tested.reliability")
        _show_or_say(reliability_chart(report), "reliability", text("tested.no_reliability"))


def _show_or_say(chart: Chart | None, key: str, missing: str) -> None:
    if chart:
        show(chart, key)
    else:
        st.markdown(plain(retold(missing)))


def _classes(report: Report) -> None:
    section("tested.classes")
    table([_row(entry) for entry in report.classes], text("tested.classes"))
    reasons = _reasons(report)
    if reasons:
        st.caption(plain(text("tested.not_told", reasons=sentences(*reasons))))


def _row(entry: ClassFigures) -> dict[str, object]:
    ends = entry.intervals
    auc = with_interval(figure(entry.auc, 2), ends.get("auc"), in_percent=False)
    row: dict[str, object] = {
        text("chart.class"): entry.name,
        text("tested.support"): str(entry.support),
        text("figure.precision"): percent(entry.precision, 0),
        text("figure.recall"): with_interval(percent(entry.recall, 0), ends.get("recall")),
        text("figure.specificity"): percent(entry.specificity, 0),
        text("figure.f1"): percent(entry.f1, 0),
        text("figure.auc"): auc,
        text("figure.average_precision"): figure(entry.average_precision, 2),
    }
    first = next(iter(entry.sensitivity_at), None)
    found = with_interval(percent(first.sensitivity, 0), first.interval) if first else NOTHING
    return row | {text("figure.sensitivity_at_90"): found}


def _reasons(report: Report) -> list[str]:
    """Why figures are not told, each reason once, with the classes that it is about."""
    about: dict[str, dict[str, None]] = {}
    for entry in report.classes:
        for name, why in entry.missing.items():
            if not name.endswith("_interval"):
                about.setdefault(why, {})[entry.name] = None
    return [
        text("tested.reason", reason=retold(why.rstrip(".")), classes=commas(names))
        for why, names in about.items()
    ]
