"""What can be taken away from a run: its model, its history, its plan, a report."""

from __future__ import annotations

import streamlit as st

from federated.views import CourseView, RunView
from webapp.desk import Desk
from webapp.language import kept
from webapp.layout import section
from webapp.plan_document import as_toml
from webapp.round_words import run_name
from webapp.run_report import report_of
from webapp.texts import text
from webapp.words import short


def downloads(desk: Desk, run: RunView, course: CourseView) -> None:
    """Draws the buttons; each file is made when it is asked for."""
    section("results.take_away")
    st.markdown(text("results.take_away_what"))
    stem = f"{run.study}-{short(run.id)}"
    made = [one.number for one in course.rounds if one.weights_after]
    last = made[-1] if made else 0
    with st.container(horizontal=True):
        st.download_button(
            text("results.keras", round=last),
            lambda: desk.operator.keras_file(run.study, run.id, last),
            file_name=f"{stem}-round-{last}.keras",
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            disabled=not made,
        )
        st.download_button(
            text("results.report"),
            kept(lambda: report_of(desk, run, course).encode()),
            file_name=f"{stem}-report.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/description:",
            disabled=not course.rounds,
        )
        st.download_button(
            text("results.history"),
            lambda: desk.operator.history_file(run.id),
            file_name=f"{stem}-history.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/table_view:",
            disabled=not course.rounds,
        )
        st.download_button(
            text("results.plan_file"),
            kept(
                lambda: as_toml(
                    run.plan, run_name(run), text("results.plan_of_run", run=run.id)
                ).encode()
            ),
            file_name=f"{stem}-plan.toml",
            mime="application/toml",
            on_click="ignore",
            icon=":material/tune:",
        )
