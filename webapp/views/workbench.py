"""A site's own start page: its model, its pictures, and what it does right now."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStatus, ChildStudy, ChildTask
from webapp.charts import counts_by_site
from webapp.desk import Desk, Site
from webapp.layout import badge, choose_site, figures, live, opening, show
from webapp.texts import text
from webapp.views.sites import FIVE
from webapp.words import ago, clock, figure, percent, plain, short, small, told


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("workbench")
    with st.container(horizontal=True):
        for name in ("pictures", "classify"):
            st.page_link(
                desk.pages[name], label=text(f"next.{name}"), icon=":material/arrow_forward:"
            )
    live(_now, active=True)(desk, choose_site(desk))


def _now(desk: Desk, site: Site) -> None:
    status = site.child.status()
    _connection(status, desk.now())
    if status.task:
        _task(status.task)
    if not status.studies:
        st.markdown(text("pictures.no_study"))
    for held in status.studies:
        _study(site, held, desk.now())


def _connection(status: ChildStatus, now: float) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(status.name), anchor=False, width="content")
        badge("online" if status.master_reachable else "away")
        if status.node_state:
            badge(str(status.node_state))
    key = "workbench.connected" if status.master_reachable else "workbench.alone"
    st.markdown(text(key, ago=ago(status.last_contact, now)))
    st.caption(told("pictures.stays", site=status.name, storage=status.storage))


def _task(task: ChildTask) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(text("workbench.task", round=task.round, at=clock(task.changed_at)))
            badge(task.state)
        if task.progress and task.progress.epochs:
            epoch = text(
                "progress.epoch",
                epoch=task.progress.epoch,
                epochs=task.progress.epochs,
                loss=figure(task.progress.loss),
                accuracy=percent(task.progress.accuracy),
            )
            st.progress(min(task.progress.epoch / task.progress.epochs, 1.0), text=epoch)
        if task.detail:
            st.markdown(plain(task.detail))


def _study(site: Site, held: ChildStudy, now: float) -> None:
    st.header(plain(held.study.name), anchor=False)
    if held.weights is None:
        st.markdown(text("classify.no_model"))
    else:
        st.markdown(
            told(
                "workbench.model",
                model=held.model,
                round=held.round,
                weights=short(held.weights),
                ago=ago(held.received_at, now),
            )
        )
    if held.statistics:
        whole = held.statistics.all
        figures({text(f"weights.{name}"): small(getattr(whole, name)) for name in FIVE}, width=124)
    if sum(held.counts.values()):
        show(counts_by_site({site.name: held.counts}, held.study.classes), f"held-{held.study.id}")
    else:
        st.markdown(text("pictures.empty"))
