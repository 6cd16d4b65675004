"""Predict first, then look: the learner commits to an answer, which the course then meets."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from webapp.charts.lesson_course import class_names, label_map
from webapp.layout import section, show
from webapp.lesson.address import fingerprint
from webapp.lesson.federation import hostile_site, state_at, world
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.texts import text
from webapp.views.playground_controls import HELD
from webapp.words import percent

EQUAL = 0.02
"""Accuracies that lie closer than this count as equal."""

CHOICES = ("a", "b", "same")
PERCENTAGES = frozenset(map(str, range(101)))


def may_look(lessons: Mapping[str, Lesson]) -> bool:
    """Whether the course may be shown; where not yet, asks for the prediction."""
    if st.query_params.get("predict") != "1" or guess_of(lessons) is not None:
        return True
    section("playground.what_they_have")
    for side, lesson in lessons.items():
        here = world(lesson)
        chart = label_map(here.held, class_names(lesson), hostile_site(lesson))
        show(chart, f"held-before-{side}")
        if len({(one.sites, one.alpha) for one in lessons.values()}) == 1:
            break
    section("playground.your_prediction")
    with st.form("prediction"):
        if len(lessons) > 1:
            st.radio(
                text("playground.question_two", rounds=ROUNDS),
                CHOICES,
                format_func=lambda name: text(f"playground.answer_{name}"),
                key="prediction-two",
                index=None,
            )
        else:
            st.slider(text("playground.question_one", rounds=ROUNDS), 0, 100, 50, key="prediction")
        st.form_submit_button(
            text("playground.commit"),
            type="primary",
            on_click=_commit,
            args=(fingerprint(*lessons.values()), len(lessons)),
        )
    return False


def _commit(mark: str, federations: int) -> None:
    answer = st.session_state["prediction-two" if federations > 1 else "prediction"]
    if answer is not None:
        st.query_params.update({"guess": f"{mark}-{answer}", "round": "0"})
        st.session_state.update({"playing": True, HELD: 0})


def guess_of(lessons: Mapping[str, Lesson]) -> str | None:
    """What was predicted for just these settings; None where nothing was."""
    mark, _, answer = st.query_params.get("guess", "").partition("-")
    if mark != fingerprint(*lessons.values()):
        return None
    if len(lessons) > 1:
        return answer if answer in CHOICES else None
    return answer if answer in PERCENTAGES else None


def guessed_share(lessons: Mapping[str, Lesson]) -> float | None:
    """The accuracy that was predicted, 0 to 1; None where none was."""
    guess = guess_of(lessons)
    return int(guess) / 100 if guess is not None and len(lessons) == 1 else None


def reveal(lessons: Mapping[str, Lesson], number: int) -> None:
    """The prediction beside what came of it, once the last round is done."""
    guess = guess_of(lessons)
    if guess is None:
        return
    if number < ROUNDS:
        st.info(text("playground.not_yet", rounds=ROUNDS), icon=":material/lightbulb:")
        return
    found = {side: state_at(lesson, ROUNDS).measured[1] for side, lesson in lessons.items()}
    st.success(_compared(guess, found), icon=":material/lightbulb:")


def _compared(guess: str, found: Mapping[str, float]) -> str:
    if len(found) == 1:
        apart = abs(int(guess) / 100 - found["a"])
        key = "playground.met" if apart <= EQUAL else "playground.missed"
        return text(
            key, guess=percent(int(guess) / 100, 0), found=percent(found["a"]), apart=percent(apart)
        )
    apart = found["a"] - found["b"]
    truth = "same" if abs(apart) <= EQUAL else "a" if apart > 0 else "b"
    key = "playground.met_two" if guess == truth else "playground.missed_two"
    return text(
        key,
        answer=text(f"playground.answer_{guess}"),
        a=percent(found["a"]),
        b=percent(found["b"]),
    )
