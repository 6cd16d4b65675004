"""Starting a run, and steering the one under way."""

from __future__ import annotations

import streamlit as st

from federated.views import RunView, StudyView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import badge, opening, problem, tell_of_change
from webapp.next_step import live_run
from webapp.progress import training_panel
from webapp.studies import choose_study
from webapp.texts import text
from webapp.views.new_run import new_run
from webapp.words import plain


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("train")
    study = choose_study(desk)
    if study is None or study.current is None:
        reason = study.problem if study and study.problem else text("train.no_model")
        st.info(plain(reason), icon=":material/hourglass_top:")
        return
    tell_of_change(lambda: _state(desk, study))
    runs = _runs(desk, study)
    run = live_run(runs)
    if run:
        training_panel(desk, study.study.id)
        _steering(desk, run)
        return
    if runs:
        _last_run(desk, runs[0])
    new_run(desk, study)


def _runs(desk: Desk, study: StudyView) -> list[RunView]:
    return [run for run in desk.operator.runs() if run.study == study.study.id]


def _state(desk: Desk, study: StudyView) -> tuple[str, str] | None:
    run = live_run(_runs(desk, study))
    return (run.id, str(run.state)) if run else None


def _steering(desk: Desk, run: RunView) -> None:
    """Pause or resume, and stop; then the page is drawn anew from what the master says."""
    move = "resume" if run.state == "paused" else "pause"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            text(f"train.{move}"), icon=f":material/{move}:".replace("resume", "play_arrow")
        ):
            _steer(desk, run, move)
        with st.popover(text("train.stop"), icon=":material/stop:"):
            st.markdown(text("train.stop_what"))
            if st.button(text("train.stop_now"), type="primary"):
                _steer(desk, run, "stop")
        _link_to(desk, run)


def _steer(desk: Desk, run: RunView, action: str) -> None:
    try:
        desk.operator.steer(run.id, action)
    except ApiError as error:
        problem(error)
    else:
        st.rerun()


def _last_run(desk: Desk, run: RunView) -> None:
    """How the run before ended, and where to look at it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(text("train.last"), width="content")
        badge(run.state)
        if run.reason:
            st.markdown(plain(run.reason), width="content")
        _link_to(desk, run)


def _link_to(desk: Desk, run: RunView) -> None:
    st.page_link(desk.pages["results"], label=text("next.results"), query_params={"run": run.id})
