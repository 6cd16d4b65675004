"""How a run goes: what happens now, and how its figures went over the rounds."""

from __future__ import annotations

import streamlit as st

from federated.views import CourseView, RunView
from webapp.charts import accuracy_by_round, loss_by_round
from webapp.desk import Desk
from webapp.layout import section, show
from webapp.progress import training_panel
from webapp.steering import OVER
from webapp.texts import text
from webapp.words import day, span


def progress(desk: Desk, run: RunView, course: CourseView) -> None:
    """Draws the live panel of a run that is not over, then its course."""
    if run.state not in OVER:
        training_panel(desk, run)
    else:
        st.markdown(_took(run, course))
    section("results.course")
    if all(round_.weights_after is None for round_ in course.rounds):
        st.markdown(text("results.no_figures"))
        return
    if course.total > len(course.rounds):
        st.caption(text("results.thinned", shown=len(course.rounds), count=course.total))
    accuracy, loss = st.columns(2, gap="large")
    with accuracy:
        show(accuracy_by_round(course), "accuracy-by-round")
    with loss:
        show(loss_by_round(course), "loss-by-round")


def _took(run: RunView, course: CourseView) -> str:
    """When it ran, and how long."""
    ended = run.finished_at or run.created_at
    facts = {"began": day(run.created_at), "length": span(ended - run.created_at)}
    return text("results.took", **facts, count=course.total)
