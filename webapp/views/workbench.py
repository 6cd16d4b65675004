"""A site's own start page: what to do next, its model, its pictures, and what it does now."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStatus, ChildStudy, ChildTask
from webapp.charts import counts_by_site
from webapp.desk import Desk, Site
from webapp.layout import (
    badge,
    choose_site,
    figures,
    live,
    opening,
    section,
    show,
    tell_of_change,
)
from webapp.next_step import Step
from webapp.retold import retold
from webapp.site_step import site_step
from webapp.texts import text
from webapp.views.sites import FIVE
from webapp.words import NOTHING, ago, clock, figure, percent, plain, short, small, told, whole

LINKS = ("pictures", "classify", "taking_part", "model_card")


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("workbench")
    site = choose_site(desk)
    _step(desk, _next(site))
    with st.container(horizontal=True):
        for name in LINKS:
            label = text(f"next.{name}")
            st.page_link(desk.pages[name], label=label, icon=":material/arrow_forward:")
    live(_now, active=True)(desk, site)
    tell_of_change(lambda: _next(site))


def _next(site: Site) -> Step:
    known = site.child.participation(limit=1)
    asked = [plan for plan in known.plans if plan.decision == "undecided"]
    return site_step(site.child.status(), len(asked) if known.approval == "ask" else 0)


def _step(desk: Desk, step: Step) -> None:
    """The next thing to do in words, with its one button."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{text('overview.next')}** {plain(step.sentence)}", width="stretch")
        if step.page in desk.pages:
            label = text(f"next.{step.page}")
            if st.button(label, type="primary", key="next", icon=":material/arrow_forward:"):
                st.switch_page(desk.pages[str(step.page)])


def _now(desk: Desk, site: Site) -> None:
    status = site.child.status()
    _connection(status, desk.now())
    _figures(status, desk.now())
    section("workbench.now")
    if status.task and status.activity == "training":
        _task(status.task)
    else:
        st.markdown(text("workbench.quiet"))
        if status.task:
            _task(status.task)
    if not status.studies:
        st.markdown(text("pictures.no_study"))
    for held in status.studies:
        _study(site, held, desk.now())


def _figures(status: ChildStatus, now: float) -> None:
    held = status.studies
    rounds = [study.round for study in held if study.weights]
    figures(
        {
            text("workbench.labelled"): whole(sum(sum(one.counts.values()) for one in held)),
            text("workbench.new"): whole(sum(one.new_labelled for one in held)),
            text("workbench.round"): whole(max(rounds)) if rounds else NOTHING,
            text("workbench.contact"): ago(status.last_contact, now),
            text("workbench.trained"): ago(status.task.changed_at if status.task else None, now),
        },
        width=168,
    )


def _connection(status: ChildStatus, now: float) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(status.name), anchor=False, width="content")
        badge("online" if status.master_reachable else "away")
        if status.node_state:
            badge(str(status.node_state))
    key = "workbench.connected" if status.master_reachable else "workbench.alone"
    st.markdown(text(key, ago=ago(status.last_contact, now)))
    st.caption(plain(retold(status.storage)))


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
            st.markdown(plain(retold(task.detail)))


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
        five = {text(f"weights.{name}"): small(getattr(whole, name)) for name in FIVE}
        figures(five, width=104, fine=held.study.id)
    if sum(held.counts.values()):
        show(counts_by_site({site.name: held.counts}, held.study.classes), f"held-{held.study.id}")
    else:
        st.markdown(text("pictures.empty"))
