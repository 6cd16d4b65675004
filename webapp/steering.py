"""Steering a run: pause, resume, and stop with a second look; for every page that shows one."""

from __future__ import annotations

import streamlit as st

from federated.states import RunState
from federated.views import RunView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import problem
from webapp.texts import text

OVER = (RunState.COMPLETED, RunState.STOPPED, RunState.FAILED)


def steering(desk: Desk, run: RunView) -> None:
    """Draws the buttons that fit the run's state; none for a run that is over."""
    if run.state in OVER:
        return
    if run.state == RunState.PAUSED:
        _button(desk, run, "resume", "play_arrow")
    elif run.state != RunState.PENDING:
        _button(desk, run, "pause", "pause")
    with st.popover(text("train.stop"), icon=":material/stop:", key=f"stopping-{run.id}"):
        st.markdown(text("train.stop_what"))
        if st.button(text("train.stop_now"), type="primary", key=f"stop-{run.id}"):
            _steer(desk, run, "stop")


def _button(desk: Desk, run: RunView, move: str, icon: str) -> None:
    label, what = text(f"train.{move}"), text(f"train.{move}_what")
    if st.button(label, icon=f":material/{icon}:", help=what, key=f"{move}-{run.id}"):
        _steer(desk, run, move)


def _steer(desk: Desk, run: RunView, action: str) -> None:
    """The page is then drawn anew from what the master says."""
    try:
        desk.operator.steer(run.id, action)
    except ApiError as error:
        problem(error)
    else:
        st.rerun()
