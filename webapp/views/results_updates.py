"""The updates of a round: who sent what, what the audit said, what counted how much."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from federated.plan import Plan
from federated.strategies import asynchronous
from federated.views import RoundView, TaskView, UpdateView
from webapp.layout import section, table
from webapp.progress import task_facts
from webapp.texts import text
from webapp.words import NOTHING, clock, credit, figure, marked, percent, short, size, span

KNOWN = ("accuracy", "auc", "loss")


def updates(round_: RoundView, plan: Plan) -> None:
    """Draws how the round closed, its updates, then the sites that sent none."""
    sent = sorted(round_.updates, key=lambda update: update.node_name)
    _closing(round_)
    if sent:
        aged = asynchronous(plan.strategy) is not None
        st.markdown(text(f"updates.formula_{plan.strategy.name}"))
        table([_figures(update, aged) for update in sent], text("results.updates"))
        section("updates.audit")
        table([_audit(update) for update in sent], text("updates.audit"))
    else:
        st.markdown(text("updates.none"))
    _absent(round_)


def _closing(round_: RoundView) -> None:
    """What the round needed, and by when."""
    said = text("updates.needed", quorum=round_.quorum, at=clock(round_.deadline_at))
    st.caption(f"{said} {text('updates.extended')}" if round_.extended else said)


def _figures(update: UpdateView, aged: bool) -> dict[str, object]:
    """Training and validation figures apart: they are of different pictures."""
    measured = update.metrics
    age = {
        text("updates.base"): str(update.base_round),
        text("updates.staleness"): NOTHING if update.staleness is None else str(update.staleness),
    }
    return {
        text("chart.site"): update.node_name,
        text("updates.status"): marked(update.status),
        text("updates.share"): percent(update.share),
        **(age if aged else {}),
        text("updates.examples"): str(update.num_examples),
        text("updates.loss"): figure(measured.get("loss")),
        text("updates.accuracy"): percent(measured.get("accuracy")),
        text("updates.val_loss"): figure(measured.get("val_loss")),
        text("updates.val_accuracy"): percent(measured.get("val_accuracy")),
        text("rewards.credits"): NOTHING if update.credits is None else credit(update.credits),
        text("updates.seconds"): span(update.seconds),
    }


def _audit(update: UpdateView) -> dict[str, object]:
    """Every reason as the master wrote it, and what it measured itself."""
    audit = update.audit
    return {
        text("chart.site"): update.node_name,
        text("updates.verdict"): marked(audit.verdict) if audit else NOTHING,
        text("updates.reasons"): " ".join(audit.reasons) if audit else text("updates.not_audited"),
        text("updates.measured"): _measured(audit.measured if audit else {}),
        text("updates.sent"): size(update.nbytes),
        text("updates.hash"): short(update.sha256),
    }


def _measured(figures: Mapping[str, float]) -> str:
    """The figures that people know by name."""
    told = (
        f"{text(f'figure.{name}')} {figure(figures[name])}" for name in KNOWN if name in figures
    )
    return ", ".join(told) or NOTHING


def _absent(round_: RoundView) -> None:
    """Sites left out, and tasks that ended without an update."""
    sent = {update.task for update in round_.updates}
    silent = [task for task in round_.tasks if task.id not in sent]
    rows = [_row(left.node_name, text("updates.excluded"), left.reason) for left in round_.excluded]
    rows += [
        _row(task.node_name, marked("lost" if task.lost else task.state), _why(task))
        for task in silent
    ]
    if rows:
        section("updates.absent")
        table(rows, text("updates.absent"))


def _row(site: str, state: str, reason: str) -> dict[str, object]:
    return {
        text("chart.site"): site,
        text("updates.status"): state,
        text("pictures.reason"): reason,
    }


def _why(task: TaskView) -> str:
    facts = task_facts(task)
    return (task.reason or text("updates.under_way")) + (f" ({facts})" if facts else "")
