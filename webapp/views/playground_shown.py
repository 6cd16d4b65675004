"""What the playground shows of a round."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from webapp.charts import Chart
from webapp.charts.boundaries import boundaries, site_name
from webapp.charts.drift import drift
from webapp.charts.lesson_course import accuracies, class_names, label_map, loss_band
from webapp.charts.recognised import recognised
from webapp.layout import figures, section, show, table
from webapp.lesson.federation import State, course, hostile_site, world
from webapp.lesson.plane import plane_of
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.texts import text
from webapp.views.playground_predict import guessed_share, reveal
from webapp.words import figure, percent, size, whole

SIGNS = {"returned": "✓", "away": "○", "not_asked": "–", "no_examples": "∅"}


def draw_all(lessons: Mapping[str, Lesson], number: int) -> None:
    """One federation, or two side by side, after so many rounds."""
    courses = {side: course(lesson, number) for side, lesson in lessons.items()}
    reveal(lessons, number)
    if len(lessons) == 1:
        _one(lessons["a"], courses["a"], number, guessed_share(lessons))
        return
    section("playground.together")
    named = {text(f"playground.side_{side}"): states for side, states in courses.items()}
    show(accuracies(named), "accuracies")
    for column, (side, lesson) in zip(st.columns(2), lessons.items(), strict=True):
        with column:
            st.header(text(f"playground.side_{side}"), anchor=False)
            _headline(courses[side])
            for name, chart in _charts(lesson, courses[side]).items():
                st.subheader(text(f"playground.{name}"), anchor=False)
                show(chart, f"{name}-{side}")


def _one(lesson: Lesson, states: list[State], number: int, guess: float | None) -> None:
    _headline(states)
    charts = _charts(lesson, states)
    charts["accuracy"] = accuracies({text("lesson.global"): states}, guess)
    names = [*charts, "round"] if number else list(charts)
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[first : first + 2], strict=False):
            with column:
                st.header(text(f"playground.{name}"), anchor=False)
                if name in charts:
                    show(charts[name], f"{name}-a")
                else:
                    table(_rows(lesson, states[-1]), text("playground.table"))


def _headline(states: list[State]) -> None:
    now = states[-1]
    figures(
        {
            text("chart.round"): text("playground.round_of", round=now.round, rounds=ROUNDS),
            text("lesson.accuracy"): percent(now.measured[1]),
            text("lesson.loss_now"): figure(now.measured[0]),
            text("lesson.bytes"): size(now.nbytes),
        },
        width=136,
    )
    if now.failed:
        st.warning(text("playground.failed"), icon=":material/error:")


def _charts(lesson: Lesson, states: list[State]) -> dict[str, Chart]:
    """The charts of a federation by name, in order."""
    now, here, hostile = states[-1], world(lesson), hostile_site(lesson)
    models = boundaries if lesson.task == "points" else recognised
    return {
        "models": models(here.data, now.weights, now.returned, hostile),
        "drift": drift(states, plane_of(lesson), hostile),
        "held": label_map(here.held, class_names(lesson), hostile),
        "loss": loss_band(states),
    }


def _rows(lesson: Lesson, now: State) -> list[dict[str, str]]:
    """What became of each site in the round, and the weight that it had in the new model."""
    sizes = [len(part) for part in world(lesson).parts]
    return [
        {
            text("chart.site"): site_name(site, hostile_site(lesson)),
            text("lesson.examples"): whole(sizes[site]),
            text("playground.presence"): f"{SIGNS[found]} {text(f'presence.{found}')}",
            text("chart.share"): percent(now.shares.get(site)),
        }
        for site, found in enumerate(now.presence)
    ]
