"""The playground: a small federation to step through, to play, and to share by its address."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from webapp.desk import Desk
from webapp.layout import guard, opening
from webapp.lesson.address import round_of
from webapp.lesson.plane import plane_of
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.texts import text
from webapp.views.playground_controls import HELD, choose_preset, controls, look_for, preset
from webapp.views.playground_predict import may_look
from webapp.views.playground_shown import draw_all

PLAY_SECONDS = 0.8


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("playground")
    choose_preset()
    # A scenario is to be seen at once; its settings are one click away.
    open_ = preset() is None
    with st.expander(text("playground.controls"), expanded=open_, icon=":material/tune:"):
        lessons = controls()
    with st.spinner(text("playground.computing")):
        for lesson in lessons.values():
            plane_of(lesson)
    if not may_look(lessons):
        return
    # Only now: it tells what who predicts is to find out.
    look_for()
    _transport()
    playing = bool(st.session_state.get("playing"))
    panel = st.fragment(_panel, run_every=PLAY_SECONDS if playing else None)
    panel(lessons)
    st.caption(text("playground.share"))


def _transport() -> None:
    """Play, one step, and back to the beginning."""
    playing, done = bool(st.session_state.get("playing")), _now()
    with st.container(horizontal=True):
        st.button(
            text("playground.pause" if playing else "playground.play"),
            icon=":material/pause:" if playing else ":material/play_arrow:",
            type="primary",
            key="play",
            shortcut="P",
            on_click=_play,
        )
        st.button(
            text("playground.step"),
            icon=":material/skip_next:",
            key="step",
            shortcut="S",
            disabled=playing or done >= ROUNDS,
            on_click=_step,
        )
        st.button(
            text("playground.reset"),
            icon=":material/restart_alt:",
            key="reset",
            shortcut="B",
            on_click=_reset,
        )


def _play() -> None:
    playing = not st.session_state.get("playing")
    st.session_state["playing"] = playing
    if playing:
        _go(0 if _now() >= ROUNDS else _now())


def _step() -> None:
    _go(_now() + 1)


def _reset() -> None:
    st.session_state["playing"] = False
    _go(0)


def _now() -> int:
    """The round that is shown: that of the address, or what this session has come to since."""
    address = st.query_params.to_dict()
    # What the browser sends of the address may be a round behind while it plays.
    if HELD in st.session_state and ("round" in address or st.session_state.get("playing")):
        return int(st.session_state[HELD])
    return round_of(address)


def _go(number: int) -> None:
    st.session_state[HELD] = min(number, ROUNDS)
    st.query_params["round"] = str(st.session_state[HELD])


def _panel(lessons: Mapping[str, Lesson]) -> None:
    """Everything that changes from round to round; while it plays, each run is a round."""
    with guard():
        number = _now()
        playing = bool(st.session_state.get("playing"))
        if playing and number < ROUNDS:
            number += 1
            _go(number)
        draw_all(lessons, number)
    if playing and number >= ROUNDS:
        st.session_state["playing"] = False
        st.rerun()
