"""What can be taken away from a run: its model, its history, its plan, a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class File:
    """What the browser is told of a file.

    Attributes:
        name: With its ending.
        mime: Its media type.
        icon: A Material symbol, by name.
    """

    name: str
    mime: str
    icon: str


def downloads(desk: Desk, run: RunView, course: CourseView) -> None:
    """Draws the buttons; each file is made when it is asked for."""
    section("results.take_away")
    st.markdown(text("results.take_away_what"))
    stem = f"{run.study}-{short(run.id)}"
    made = [one.number for one in course.rounds if one.weights_after]
    last = made[-1] if made else 0
    with st.container(horizontal=True):
        _offer(
            text("results.keras", round=last),
            lambda: desk.operator.keras_file(run.study, run.id, last),
            File(f"{stem}-round-{last}.keras", "application/octet-stream", "download"),
            ready=bool(made),
        )
        _offer(
            text("results.report"),
            kept(lambda: report_of(desk, run, course).encode()),
            File(f"{stem}-report.html", "text/html", "description"),
            ready=bool(course.rounds),
        )
        _offer(
            text("results.history"),
            lambda: desk.operator.history_file(run.id),
            File(f"{stem}-history.csv", "text/csv", "table_view"),
            ready=bool(course.rounds),
        )
        told = text("results.plan_of_run", run=run.id)
        _offer(
            text("results.plan_file"),
            kept(lambda: as_toml(run.plan, run_name(run), told).encode()),
            File(f"{stem}-plan.toml", "application/toml", "tune"),
        )


def _offer(label: str, make: Callable[[], bytes], file: File, *, ready: bool = True) -> None:
    st.download_button(
        label,
        make,
        file_name=file.name,
        mime=file.mime,
        on_click="ignore",
        icon=f":material/{file.icon}:",
        disabled=not ready,
    )
