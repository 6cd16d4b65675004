"""The sites of a run: who took part when, what each measured, and how late each was."""

from __future__ import annotations

import streamlit as st

from federated.strategies import asynchronous
from federated.views import CourseView, RoundView, RunView
from webapp.charts import measures_told, participation_chart, sites_by_round, staleness_by_round
from webapp.desk import Desk
from webapp.layout import choose, guard, paged, section, show
from webapp.texts import text
from webapp.views.results_cross_site import cross_site
from webapp.views.results_updates import updates

ROUNDS_SHOWN = 20
SITES_SHOWN = 20
"""Cells that keep their symbols legible on a phone."""


def sites(desk: Desk, run: RunView, course: CourseView, round_: RoundView) -> None:
    """Draws the round's updates, then all rounds: participation, figures, ages."""
    updates(round_, run.plan)
    _participation(course, round_.number)
    _by_site(course)
    if asynchronous(run.plan.strategy):
        _ages(course)
    with guard():
        cross_site(desk, run)


def _participation(course: CourseView, number: int) -> None:
    section("results.participation")
    numbers = [round_.number for round_ in course.rounds]
    rounds = window(len(numbers), numbers.index(number) if number in numbers else -1, ROUNDS_SHOWN)
    st.caption(text("results.participation_what"))
    shown = paged("sites", len(course.sites), SITES_SHOWN)
    chart = participation_chart(course, rounds, shown)
    if chart:
        show(chart, "participation")


def window(count: int, place: int, width: int) -> slice:
    """As many of `count` as `width` around the one at `place`; the last without one."""
    if place < 0:
        place = count - 1
    begin = max(0, min(place - width // 2, count - width))
    return slice(begin, begin + width)


def _by_site(course: CourseView) -> None:
    """One figure of every site over the rounds."""
    measures = measures_told(course)
    if not measures:
        return
    section("results.by_site")
    st.markdown(text("results.by_site_what"))
    measure = choose(
        "measure", text("results.measure"), measures, lambda name: text(f"figure.{name}")
    )
    show(sites_by_round(course, measure), "sites-by-round")


def _ages(course: CourseView) -> None:
    """How old each update was when it counted."""
    chart = staleness_by_round(course)
    if chart:
        section("results.ages")
        st.markdown(text("results.ages_what"))
        show(chart, "staleness-by-round")
