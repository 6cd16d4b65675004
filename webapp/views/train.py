"""Starting a run, and steering those under way."""

from __future__ import annotations

import streamlit as st

from federated.views import RunView, StudyView
from webapp.desk import Desk
from webapp.layout import badge, opening, tell_of_change
from webapp.next_step import live_runs
from webapp.progress import training_panel
from webapp.retold import retold
from webapp.steering import steering
from webapp.studies import choose_study, other_studies
from webapp.texts import text
from webapp.views.new_run import new_run
from webapp.words import opened, plain


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("train")
    study = choose_study(desk)
    if study is None or study.current is None:
        reason = study.problem if study and study.problem else text("train.no_model")
        st.info(plain(retold(reason)), icon=":material/hourglass_top:")
        return
    tell_of_change(lambda: _state(desk, study))
    runs = _runs(desk, study)
    live = live_runs(runs)
    for run in live:
        training_panel(desk, run)
        _steering(desk, run)
    other_studies(desk, study)
    if live:
        # A plan can be thought over while another runs; its run then waits for its turn.
        newest = max(live, key=lambda run: run.created_at).id
        label, what = text("train.another"), text("train.another_help")
        if st.toggle(label, help=what, key=f"another-{newest}"):
            new_run(desk, study)
        return
    if runs:
        _last_run(desk, runs[0])
    new_run(desk, study)


def _runs(desk: Desk, study: StudyView) -> list[RunView]:
    return [run for run in desk.operator.runs() if run.study == study.study.id]


def _state(desk: Desk, study: StudyView) -> list[tuple[str, str]]:
    return [(run.id, str(run.state)) for run in live_runs(_runs(desk, study))]


def _steering(desk: Desk, run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        steering(desk, run)
        if run.round:
            _link_to(desk, run)


def _last_run(desk: Desk, run: RunView) -> None:
    """How the run before ended, and where to look at it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(text("train.last"), width="content")
        badge(run.state)
        if run.reason:
            st.markdown(opened(retold(run.reason)), width="content")
        _link_to(desk, run)


def _link_to(desk: Desk, run: RunView) -> None:
    st.page_link(desk.pages["results"], label=text("next.results"), query_params={"run": run.id})
