"""The updates of a round: who sent what, what the audit said, what counted how much."""

from __future__ import annotations

import streamlit as st

from federated.plan import Plan
from federated.states import RoundState
from federated.strategies import asynchronous
from federated.views import RoundView, TaskView, UpdateView
from webapp.layout import paged, section, table
from webapp.retold import retold
from webapp.round_words import accepted, behind, task_facts
from webapp.texts import text, texts
from webapp.words import (
    NOTHING,
    clock,
    credit,
    figure,
    marked,
    percent,
    sentences,
    span,
)

SITES_SHOWN = 20
"""Rows of a table on one page."""

TRAINING = ("loss", "accuracy")
VALIDATION = ("loss", "accuracy", "balanced_accuracy", "f1", "auc", "sensitivity_at_90")


def updates(round_: RoundView, plan: Plan) -> None:
    """Draws how the round closed, its updates, then the sites that sent none."""
    sent = sorted(round_.updates, key=lambda update: (update.node_name, update.task))
    tasks = {task.id: task for task in round_.tasks}
    st.markdown(closing(round_))
    if sent:
        sent = sent[paged("updates", len(sent), SITES_SHOWN)]
        rows = [_figures(update, tasks.get(update.task), plan) for update in sent]
        if round_.state != RoundState.FAILED:
            _formula(plan)
        table(_without_empty(rows), text("results.updates"))
        section("updates.by_site")
        st.markdown(text("updates.by_site_what"))
        table(_measured_by_sites(sent), text("updates.by_site"))
    else:
        st.markdown(text("updates.none"))
    _absent(round_, plan)


def _formula(plan: Plan) -> None:
    """What becomes of the updates; a rule of a newer version is not explained."""
    if f"updates.formula_{plan.strategy.name}" in texts():
        st.markdown(text(f"updates.formula_{plan.strategy.name}"))


def closing(round_: RoundView) -> str:
    """When a round was open, what it needed and what it got."""
    facts = {"opened": clock(round_.opened_at), "deadline": clock(round_.deadline_at)}
    counts = {"count": accepted(round_), "quorum": round_.quorum}
    if round_.closed_at is None:
        said = text("updates.so_far", **facts, **counts)
    else:
        length = span(round_.closed_at - round_.opened_at)
        said = text("updates.closed", **facts, **counts, length=length)
        if round_.state == RoundState.FAILED:
            said = text("updates.failed", **facts, **counts, length=length)
    return sentences(said, text("updates.extended")) if round_.extended else said


def _figures(update: UpdateView, task: TaskView | None, plan: Plan) -> dict[str, object]:
    """Who sent it, what it was worth, and what it cost."""
    row: dict[str, object] = {
        text("chart.site"): update.node_name,
        text("updates.status"): marked(update.status),
        text("updates.work"): task_facts(task) if task else "",
    }
    mode = asynchronous(plan.strategy)
    if mode is not None:
        staleness = update.staleness
        row[text("updates.base")] = str(update.base_round)
        row[text("updates.staleness")] = NOTHING if staleness is None else str(staleness)
    share = "updates.share" if mode is None else "updates.share_asynchronous"
    return row | {
        text(share): percent(update.share),
        text("updates.examples"): str(update.num_examples),
        text("rewards.credits"): NOTHING if update.credits is None else credit(update.credits),
        text("updates.seconds"): span(update.seconds),
    }


def _measured_by_sites(sent: list[UpdateView]) -> list[dict[str, object]]:
    told = _without_empty([_measures(update) for update in sent])
    return [{name: value or NOTHING for name, value in row.items()} for row in told]


def _measures(update: UpdateView) -> dict[str, object]:
    """Training and validation figures apart: they are of different pictures."""
    row: dict[str, object] = {text("chart.site"): update.node_name}
    for name in TRAINING:
        head = text("updates.training", figure=text(f"figure.{name}"))
        row[head] = _told(name, update.metrics.get(name))
    for name in VALIDATION:
        row[text(f"figure.{name}")] = _told(name, update.metrics.get(f"val_{name}"))
    return row


def _told(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return figure(value) if name in ("loss", "auc") else percent(value)


def _without_empty(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without the columns in which no row has anything."""
    full = {name for row in rows for name, value in row.items() if value != ""}
    return [{name: value for name, value in row.items() if name in full} for row in rows]


def _absent(round_: RoundView, plan: Plan) -> None:
    """Sites left out, and tasks that ended without an update."""
    sent = {update.task for update in round_.updates}
    silent = [task for task in round_.tasks if task.id not in sent]
    rows = [
        _row(left.node_name, text("updates.excluded"), retold(left.reason))
        for left in round_.excluded
    ]
    rows += [
        _row(
            task.node_name,
            marked("lost" if task.lost else task.state),
            retold(task.reason) if task.reason else text("updates.under_way"),
            task_facts(task, behind(task, round_, plan)),
        )
        for task in silent
    ]
    if rows:
        section("updates.absent")
        shown = rows[paged("absent", len(rows), SITES_SHOWN)]
        table(_without_empty(shown), text("updates.absent"))


def _row(site: str, state: str, reason: str, work: str = "") -> dict[str, object]:
    return {
        text("chart.site"): site,
        text("updates.status"): state,
        text("pictures.reason"): reason,
        text("updates.work"): work,
    }
