"""The search of a run: the best so far, all trials as lines, and each in a table."""

from __future__ import annotations

import streamlit as st

from federated.views import RunView, SearchView, TrialView
from webapp.charts import search_chart
from webapp.charts.search import name_of, written
from webapp.desk import Desk
from webapp.layout import show, table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    NOTHING,
    commas,
    marked,
    opened,
    percent,
    plain,
    sentences,
    signed,
)

SIGNS = {"running": "running", "complete": "completed", "failed": "failed"}

MOST_ROWS = 100
"""Trials in the table, the newest; the table beside the chart has all that were measured."""


def search(desk: Desk, run: RunView) -> None:
    """Draws the trials of a run whose plan searches."""
    view = desk.operator.search(run.id)
    st.markdown(text(f"search.what_{view.search.sampler}"))
    if not view.trials:
        st.info(text("search.none"), icon=":material/hourglass_top:")
        return
    _best(view)
    _under_way(view)
    chart = search_chart(view)
    if chart is not None:
        show(chart, "search")
    newest = list(reversed(view.trials))[:MOST_ROWS]
    table([_row(one, view) for one in newest], text("search.table"))
    _failures(newest)


def _best(view: SearchView) -> None:
    """The trial furthest above the middle of its round, beside the plan's own settings."""
    done = [one for one in view.trials if one.lead is not None]
    if not done:
        st.info(text("search.no_figures"), icon=":material/hourglass_top:")
        return
    best = max(done, key=lambda one: (one.lead or 0.0, one.score or 0.0, -one.number))
    st.markdown(
        text(
            "search.best",
            trial=best.number,
            told=_told(best, view),
            accuracy=percent(best.score),
            round=best.round,
            points=signed(100 * (best.lead or 0.0)),
        )
    )


def _under_way(view: SearchView) -> None:
    running = sum(one.state == "running" for one in view.trials)
    failed = sum(one.state == "failed" for one in view.trials)
    told = [text("search.count", count=len(view.trials))]
    if running:
        told.append(text("search.running", count=running))
    if failed:
        told.append(text("search.failed", count=failed))
    st.caption(sentences(*told))


def _told(one: TrialView, view: SearchView) -> str:
    names = view.search.space.names
    return commas(
        f"{name_of(name).lower()} {plain(written(one.parameters[name]))}"
        for name in names
        if name in one.parameters
    )


def _row(one: TrialView, view: SearchView) -> dict[str, object]:
    lead = None if one.lead is None else signed(100 * one.lead)
    return {
        text("search.trial"): one.number,
        text("chart.round"): one.round,
        # Before what a phone has no room for.
        text("figure.accuracy"): percent(one.score),
        text("chart.site"): one.node_name,
        **{
            name_of(name): written(one.parameters[name]) if name in one.parameters else NOTHING
            for name in view.search.space.names
        },
        text("search.lead"): lead or NOTHING,
        text("updates.status"): marked(SIGNS[one.state]),
    }


def _failures(trials: list[TrialView]) -> None:
    """Why trials failed, where it is known."""
    told = [one for one in trials if one.reason]
    if told:
        with st.expander(text("search.why_failed")):
            for one in told:
                st.markdown(f"{one.number}. {opened(retold(one.reason or ''))}")
