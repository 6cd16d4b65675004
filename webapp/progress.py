"""How a run goes right now, site by site: a panel for several pages."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import streamlit as st

from federated.states import RoundState, RunState
from federated.strategies import asynchronous
from federated.views import RoundView, RunView, TaskView
from webapp.desk import Desk
from webapp.layout import badge, live
from webapp.next_step import live_runs
from webapp.plan_words import plan_line
from webapp.retold import retold
from webapp.round_words import (
    IN_VAIN,
    UNDER_WAY,
    accepted,
    behind,
    course,
    left_out,
    task_facts,
    task_line,
)
from webapp.texts import text
from webapp.words import opened, plain, short, sign, whole

FEW = 8
"""Sites that have a line each; of more, only those with which something is not as usual."""


def training_panels(desk: Desk, study: str) -> None:
    """Every run of a study that is not over, with a bar for each site; nothing without one."""
    for run in live_runs([run for run in desk.operator.runs() if run.study == study]):
        training_panel(desk, run)


def training_panel(desk: Desk, run: RunView) -> None:
    """A run with a bar for each site."""
    live(_draw, active=True)(desk, run.id)


def _draw(desk: Desk, run_id: str) -> None:
    run = desk.operator.run(run_id)
    round_ = desk.operator.round(run.id, run.round) if run.round else None
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{headline(run)}**", width="content")
            badge(run.state)
        st.caption(f"{plan_line(run.plan)} · {text('progress.run', id=short(run.id))}")
        if run.state != RunState.PENDING:
            st.progress(run_share(run, round_), text=_rounds_done(run, round_))
        # What an idle run waits for stands in its headline.
        if run.reason and run.state != RunState.IDLE:
            st.markdown(opened(retold(run.reason)))
        if round_ and run.state in (RunState.RUNNING, RunState.PAUSED):
            _round(desk, run, round_)


def headline(run: RunView) -> str:
    """What a run is at."""
    if run.state == RunState.PENDING:
        return text("progress.pending")
    if run.state == RunState.IDLE:
        return text("progress.idle", count=run.plan.trigger.min_new_pictures)
    return text("progress.round", round=max(run.round, 1), rounds=run.plan.rounds)


def _round(desk: Desk, run: RunView, round_: RoundView) -> None:
    if told := course(run, round_, desk.now()):
        st.markdown(told)
    ordered = sorted(run.tasks, key=lambda task: (task.node_name, task.created_at, task.id))
    if len(ordered) > FEW:
        _many(ordered, round_, run)
    else:
        for task in ordered:
            _site(task, round_, run)
    if round_.state == RoundState.OPEN and (told := left_out(round_)):
        st.caption(told)


def _many(tasks: list[TaskView], round_: RoundView, run: RunView) -> None:
    """Many sites: how many are how far, and the few with which something is not as usual."""
    counts = Counter("lost" if task.lost else str(task.state) for task in tasks)
    with st.container(horizontal=True, gap="small"):
        for state, number in counts.most_common():
            shown = sign(state)
            label = f"{whole(number)} {shown.word}"
            st.badge(plain(label), icon=f":material/{shown.icon}:", color=shown.colour)
    odd = [task for task in tasks if task.lost or task.state in IN_VAIN]
    for task in odd[:FEW]:
        _site(task, round_, run)


def _site(task: TaskView, round_: RoundView, run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(task.node_name), width="content")
        badge("lost" if task.lost else task.state)
        if facts := task_facts(task, behind(task, round_, run.plan)):
            st.caption(facts, width="content")
    line = task_line(task, run.tasks)
    if task.state in IN_VAIN:
        st.caption(line)
    else:
        st.progress(task_share(task), text=line)


def _under_way(round_: RoundView | None) -> bool:
    return round_ is not None and round_.state in (RoundState.OPEN, RoundState.AGGREGATING)


def _rounds_done(run: RunView, round_: RoundView | None) -> str:
    return text("progress.rounds_done", done=_done(run, round_), rounds=run.plan.rounds)


def _done(run: RunView, round_: RoundView | None) -> int:
    return max(run.round - _under_way(round_), 0)


def run_share(run: RunView, round_: RoundView | None) -> float:
    """Share of the run's rounds that are done, with the part of the open round; 0 to 1."""
    within = _part(run, round_) if round_ and _under_way(round_) else 0.0
    return min((_done(run, round_) + within) / run.plan.rounds, 1.0)


def _part(run: RunView, round_: RoundView) -> float:
    """How much of an open round is done: of an asynchronous one, what is gathered already."""
    if asynchronous(run.plan.strategy):
        return min(accepted(round_) / round_.target, 1.0)
    shares = [task_share(task) for task in run.tasks if task.state not in IN_VAIN]
    return sum(shares) / len(shares) if shares else 0.0


def task_share(task: TaskView) -> float:
    """Share of a task that is done, 0 to 1."""
    if task.state not in UNDER_WAY:
        return 1.0
    progress = task.progress
    if progress is None or not progress.epochs or not progress.epoch:
        return 0.0
    # A site says what it likes: no figure, however absurd, may take the bar beyond its ends.
    epochs_done = min(progress.epoch, progress.epochs) - 1
    within = Fraction(min(progress.step, progress.steps), progress.steps or 1)
    return float((epochs_done + within) / progress.epochs)
