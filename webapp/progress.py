"""How a run goes right now, site by site: a panel for several pages."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from federated.plan import Plan
from federated.states import RoundState, RunState, TaskState
from federated.strategies import asynchronous
from federated.views import RoundView, RunView, TaskView
from webapp.desk import Desk
from webapp.layout import badge, live
from webapp.next_step import live_run
from webapp.texts import text
from webapp.words import clock, figure, percent, plain, short, span

OPEN = (TaskState.QUEUED, TaskState.LEASED, TaskState.TRAINING)


def training_panel(desk: Desk, study: str) -> None:
    """The run under way with a bar for each site; nothing where none is."""
    run = live_run([run for run in desk.operator.runs() if run.study == study])
    if run is not None:
        live(_draw, active=True)(desk, run.id)


def _draw(desk: Desk, run_id: str) -> None:
    run = desk.operator.run(run_id)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{_headline(run)}**")
            badge(run.state)
        st.progress(_share(run), text=text("progress.rounds_done", **_counts(run)))
        # What an idle run waits for stands in its headline.
        if run.reason and run.state != RunState.IDLE:
            st.caption(plain(run.reason))
        if run.round and run.state in (RunState.RUNNING, RunState.PAUSED):
            st.caption(collected(desk.operator.round(run.id, run.round), run.plan, desk.now()))
        for task in sorted(run.tasks, key=lambda task: (task.node_name, task.attempt)):
            _site(task)


def _headline(run: RunView) -> str:
    if run.state == RunState.IDLE:
        return text("progress.idle", count=run.plan.trigger.min_new_pictures)
    if asynchronous(run.plan.strategy):
        return text("progress.version", round=max(run.round, 1), rounds=run.plan.rounds)
    return text("progress.round", round=max(run.round, 1), rounds=run.plan.rounds)


def collected(round_: RoundView, plan: Plan, now: float) -> str:
    """How many updates a round has of those it needs, and what its deadline does."""
    if round_.state != RoundState.OPEN:
        return text(f"state.{round_.state}")
    count = sum(update.status == TaskState.ACCEPTED for update in round_.updates)
    if asynchronous(plan.strategy):
        said = text("progress.buffered", accepted=count, target=round_.target)
    else:
        said = text("progress.collected", accepted=count, quorum=round_.quorum)
    left = span(max(round_.deadline_at - now, 0))
    key = "extended" if round_.extended else "deadline"
    return f"{said} {text(f'progress.{key}', at=clock(round_.deadline_at), left=left)}"


def _counts(run: RunView) -> dict[str, int]:
    open_round = run.state == RunState.RUNNING and bool(run.tasks)
    return {"done": max(run.round - open_round, 0), "rounds": run.plan.rounds}


def _share(run: RunView) -> float:
    """Share of the run's rounds that are done, with that of the open round's tasks."""
    done = _counts(run)["done"]
    within = sum(task_share(task) for task in run.tasks) / len(run.tasks) if run.tasks else 0.0
    part = within if done < run.round else 0.0
    return min((done + part) / run.plan.rounds, 1.0)


def task_share(task: TaskView) -> float:
    """Share of a task that is done, 0 to 1."""
    if task.state not in OPEN:
        return 1.0
    progress = task.progress
    if progress is None or not progress.epochs or not progress.epoch:
        return 0.0
    # A site says what it likes: no figure, however absurd, may take the bar beyond its ends.
    epochs_done = min(progress.epoch, progress.epochs) - 1
    within = Fraction(min(progress.step, progress.steps), progress.steps or 1)
    return float((epochs_done + within) / progress.epochs)


def _site(task: TaskView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(task.node_name))
        badge("lost" if task.lost else task.state)
        if facts := task_facts(task):
            st.caption(facts)
    st.progress(task_share(task), text=plain(task.reason) if task.reason else _told(task))


def task_facts(task: TaskView) -> str:
    """What is out of the ordinary with a task: attempt, batch, the model that it began from."""
    facts = []
    if task.attempt > 1:
        facts.append(text("progress.attempt", attempt=task.attempt))
    if task.batch:
        facts.append(text("progress.batch", batch=short(task.batch)))
    if task.base_round < task.round - 1:
        facts.append(text("progress.base", base=task.base_round))
    return " · ".join(facts)


def _told(task: TaskView) -> str:
    progress = task.progress
    if task.state in OPEN and progress is not None and progress.note:
        return plain(progress.note)
    if task.state != TaskState.TRAINING or progress is None or not progress.epoch:
        return text("progress.handed_over" if task_share(task) < 1 else "progress.ended")
    return text(
        "progress.epoch",
        epoch=progress.epoch,
        epochs=progress.epochs,
        loss=figure(progress.loss),
        accuracy=percent(progress.accuracy),
    )
