"""The audit of a round: a card for each update with its verdict, in whole sentences."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from federated.states import NodeStanding, TaskState
from federated.views import NodeView, RoundView, TaskView, UpdateView
from webapp.desk import Desk
from webapp.layout import badge, paged
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    commas,
    figure,
    opened,
    percent,
    plain,
    short,
    size,
    told,
    whole,
    within,
)

CARDS = 12
"""On one page; a card is read, not searched."""

KNOWN = ("accuracy", "auc", "loss")


def audit(desk: Desk, round_: RoundView) -> None:
    """Draws how many updates count, then the cards: what did not count comes first."""
    sent = sorted(round_.updates, key=lambda one: (one.status == "accepted", one.node_name))
    st.markdown(text("audit.what"))
    if not sent:
        st.markdown(text("updates.none"))
        return
    counted = sum(one.status == TaskState.ACCEPTED for one in sent)
    st.header(text("audit.counted", accepted=counted, count=len(sent)), anchor=False)
    shown = sent[paged("audit", len(sent), CARDS)]
    standings = {node.id: node for node in desk.operator.nodes()}
    tasks = {task.id: task for task in round_.tasks}
    with st.grid(min_column_width=320, gap="medium"):
        for update in shown:
            _card(update, tasks.get(update.task), standings.get(update.node))


def _card(update: UpdateView, task: TaskView | None, node: NodeView | None) -> None:
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(plain(update.node_name), anchor=False, width="content")
            badge(update.audit.verdict if update.audit else update.status)
        _reasons(update, task)
        if measured := _measured(update.audit.measured if update.audit else {}):
            st.markdown(text("audit.measured", told=measured))
        facts = {"size": size(update.nbytes), "hash": short(update.sha256)}
        share = percent(update.share)
        pictures = whole(update.num_examples)
        st.caption(text("audit.facts", **facts, share=share, pictures=pictures))
        if node:
            _standing(node)


def _reasons(update: UpdateView, task: TaskView | None) -> None:
    """Every reason on a line of its own; what could not be checked is told apart."""
    found = update.audit
    if found is None:
        why = task.reason if task and task.reason else text("updates.not_audited")
        st.markdown(opened(retold(why)))
        return
    checked = [reason for reason in found.reasons if reason not in found.unchecked]
    st.markdown("\n".join(f"- {plain(retold(reason))}" for reason in checked))
    if found.unchecked:
        st.markdown(f"**{text('updates.unchecked')}**")
        st.markdown("\n".join(f"- {plain(retold(reason))}" for reason in found.unchecked))


def _measured(figures: Mapping[str, float]) -> str:
    """The figures that people know by name."""
    return commas(
        f"{within(text(f'figure.{name}'))} {figure(figures[name])}"
        for name in KNOWN
        if name in figures
    )


def _standing(node: NodeView) -> None:
    """How closely the master looks at what the site sends now, and why."""
    if node.standing != NodeStanding.SUSPENDED:
        facts = {"count": node.good_results, "reason": retold(node.standing_reason or "")}
        st.caption(told(f"sites.standing_{node.standing}", **facts))
