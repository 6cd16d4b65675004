"""What one site has taken part in: rounds, verdicts, and how long it took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import streamlit as st

from federated.views import NodeHistory, NodeTask, NodeView
from webapp.desk import Desk
from webapp.layout import figures, section, table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import NOTHING, credit, day, marked, percent, short, sign, span, whole

SHOWN = 20


def taken_part(desk: Desk, node: NodeView) -> None:
    """Draws how often its work came to what, and its newest rounds."""
    history = desk.operator.node_history(node.id)
    section("sites.history")
    if not history.tasks:
        st.markdown(text("sites.no_history"))
        return
    figures(_counts(history))
    st.markdown(_lateness(history))
    table(_rows(history.tasks[:SHOWN]), text("sites.history_table"))
    if len(history.tasks) > SHOWN:
        with st.expander(text("sites.earlier", count=len(history.tasks) - SHOWN)):
            table(_rows(history.tasks[SHOWN:]), text("sites.history_table"))


def _counts(history: NodeHistory) -> dict[str, str]:
    return {
        sign(state).word.capitalize(): whole(number)
        for state, number in sorted(history.states.items(), key=lambda entry: -entry[1])
    }


def _lateness(history: NodeHistory) -> str:
    """How long its updates took, from taking the task to the update's arrival."""
    took = [task.seconds for task in history.tasks if task.seconds is not None]
    if not took:
        return text("sites.never_delivered")
    late = sum(task.state in ("late", "expired") for task in history.tasks)
    middle, longest = span(statistics.median(took)), span(max(took))
    return text("sites.took", middle=middle, longest=longest, late=late, count=len(history.tasks))


def _rows(tasks: Sequence[NodeTask]) -> list[dict[str, object]]:
    """One row a task; why it did not count where there is one that did not."""
    rows = [_row(task) for task in tasks]
    if any(task.reason for task in tasks):
        for row, task in zip(rows, tasks, strict=True):
            row[text("sites.why")] = retold(task.reason) if task.reason else NOTHING
    return rows


def _row(task: NodeTask) -> dict[str, object]:
    return {
        text("chart.round"): whole(task.round),
        text("sites.outcome"): marked(str(task.state)),
        text("sites.at"): day(task.at),
        text("sites.took_column"): NOTHING if task.seconds is None else span(task.seconds),
        text("sites.share"): percent(task.share),
        text("sites.credits"): NOTHING if task.credits is None else credit(task.credits),
        text("results.run"): short(task.run),
    }
