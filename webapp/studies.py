"""Which study a page is about."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStatus, ChildStudy, StudyView
from webapp.desk import Desk
from webapp.layout import badge, choose
from webapp.next_step import live_runs
from webapp.progress import headline
from webapp.texts import text
from webapp.words import told


def choose_study(desk: Desk) -> StudyView | None:
    """A study of the master; asks only where there are several. None without any."""
    studies = {view.study.id: view for view in desk.operator.studies()}
    if len(studies) < 2:
        return next(iter(studies.values()), None)
    names = list(studies)
    chosen = choose("study", text("layout.study"), names, lambda name: studies[name].study.name)
    return studies[chosen]


def choose_child_study(status: ChildStatus) -> ChildStudy | None:
    """A study that a site holds; asks only where there are several. None without any."""
    studies = {held.study.id: held for held in status.studies}
    if len(studies) < 2:
        return next(iter(studies.values()), None)
    names = list(studies)
    chosen = choose("study", text("layout.study"), names, lambda name: studies[name].study.name)
    return studies[chosen]


def other_studies(desk: Desk, study: StudyView) -> None:
    """Runs of other studies that are not over, each with a link to its study's page."""
    names = {view.study.id: view.study.name for view in desk.operator.studies()}
    others = [run for run in desk.operator.runs() if run.study != study.study.id]
    for run in live_runs(others):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = names.get(run.study, run.study)
            st.markdown(told("train.elsewhere", study=name, run=headline(run)), width="content")
            badge(run.state)
            label = text("train.to_study")
            link = {"study": run.study}
            st.page_link(desk.pages["train"], label=label, query_params=link)
