"""A run: its state and figures, then tab by tab how it went, what it made and how good that is."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from federated.states import RoundState
from federated.views import CourseView, RoundView, RunView
from webapp.api.evaluation import Interval
from webapp.desk import Desk
from webapp.findings import from_to
from webapp.layout import badge, choose, empty, figures, guard, opening, tell_of_change
from webapp.plan_words import model_line, plan_line
from webapp.retold import retold
from webapp.round_words import UNDER_WAY, run_name
from webapp.steering import OVER, steering
from webapp.texts import text
from webapp.views.results_audit import audit
from webapp.views.results_credits import credits_of
from webapp.views.results_downloads import downloads
from webapp.views.results_events import events
from webapp.views.results_progress import progress
from webapp.views.results_rounds import choose_round
from webapp.views.results_search import search
from webapp.views.results_settings import settings
from webapp.views.results_sites import sites
from webapp.views.results_tested import tested
from webapp.views.results_weights import weights
from webapp.words import (
    figure,
    opened,
    percent,
    sentences,
)

TABS = (
    *("progress", "sites", "model", "evaluation", "audit"),
    *("search", "credits", "events", "settings"),
)
OF_A_ROUND = ("sites", "model", "evaluation", "audit", "credits")

SETTLING_SECONDS = 120.0


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("results")
    runs = {run.id: run for run in desk.operator.runs()}
    if not runs:
        empty("results.none", desk, "train")
        return
    run = runs[choose("run", text("results.run"), list(runs), lambda name: run_name(runs[name]))]
    tell_of_change(lambda: _state(desk, run.id))
    course = desk.operator.course(run.id, settled=is_settled(run, desk.now()))
    _headline(desk, run, course)
    if not course.rounds:
        st.markdown(text("results.no_rounds"))
    _tabs(desk, run, course)
    downloads(desk, run, course)


def is_settled(run: RunView, now: float) -> bool:
    """Whether a run has been over for so long that its last model has been measured too."""
    return run.state in OVER and now - (run.finished_at or now) > SETTLING_SECONDS


def _state(desk: Desk, run_id: str) -> tuple[object, ...]:
    """What makes the page worth drawing anew."""
    run = desk.operator.run(run_id)
    ended = sum(task.state not in UNDER_WAY for task in run.tasks)
    return (run.state, run.round, run.weights, run.evaluation is not None, ended, run.reason)


def _headline(desk: Desk, run: RunView, course: CourseView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge(run.state)
        if run.reason:
            st.markdown(opened(retold(run.reason)), width="content")
        steering(desk, run)
    st.caption(sentences(plan_line(run.plan), model_line(run.plan)))
    tested_on = run.evaluation or {}
    shown = {
        text("results.rounds"): f"{_done(course)} / {run.plan.rounds}",
        text("figure.auc"): figure(tested_on.get("auc")),
        text("figure.accuracy"): percent(tested_on.get("accuracy")),
        text("figure.balanced_accuracy"): percent(tested_on.get("balanced_accuracy")),
        text("figure.loss"): figure(tested_on.get("loss")),
    }
    below = {
        text("figure.auc"): _interval(tested_on, "auc", in_percent=False),
        text("figure.accuracy"): _interval(tested_on, "accuracy"),
        text("figure.balanced_accuracy"): _interval(tested_on, "balanced_accuracy"),
    }
    figures(shown, below=below)


def _done(course: CourseView) -> int:
    """Rounds that are closed; those that a long course leaves out are behind others."""
    ended = sum(round_.state == RoundState.CLOSED for round_ in course.rounds)
    return ended + course.total - len(course.rounds)


def _interval(tested_on: Mapping[str, float | None], name: str, *, in_percent: bool = True) -> str:
    """The 95 % interval of a headline figure; empty where there is none."""
    low, high = tested_on.get(f"{name}_low"), tested_on.get(f"{name}_high")
    if low is None or high is None:
        return ""
    return from_to(Interval(low=low, high=high), in_percent=in_percent)


def _tabs(desk: Desk, run: RunView, course: CourseView) -> None:
    """The tabs of the run; only the one that is open asks the master for anything."""
    names = [name for name in TABS if name != "search" or run.plan.search is not None]
    if not course.rounds:
        names = ["progress", "events", "settings"]
    labels = {text(f"results.tab_{name}"): name for name in names}
    wanted = st.query_params.get("tab")
    chosen = wanted if wanted in names else names[0]
    st.session_state["choice-tab"] = text(f"results.tab_{chosen}")
    drawn = st.tabs(list(labels), key="choice-tab", on_change=_to_address, args=(labels,))
    with drawn[names.index(chosen)], guard():
        _draw(chosen, desk, run, course)


def _to_address(labels: Mapping[str, str]) -> None:
    st.query_params["tab"] = labels[str(st.session_state["choice-tab"])]


def _draw(name: str, desk: Desk, run: RunView, course: CourseView) -> None:
    if name in OF_A_ROUND:
        number = choose_round(course)
        _draw_round(name, desk, run, course, desk.operator.round(run.id, number))
    elif name == "progress":
        progress(desk, run, course)
    elif name == "search":
        search(desk, run)
    elif name == "events":
        events(desk, run)
    else:
        settings(desk, run, course)


def _draw_round(name: str, desk: Desk, run: RunView, course: CourseView, round_: RoundView) -> None:
    if round_.reason:
        st.warning(opened(retold(round_.reason)), icon=":material/info:")
    if round_.note:
        st.caption(opened(retold(round_.note)))
    if name == "sites":
        sites(desk, run, course, round_)
    elif name == "model":
        weights(desk, run, round_)
    elif name == "evaluation":
        tested(desk, run, round_)
    elif name == "audit":
        audit(desk, round_)
    else:
        credits_of(desk, run, round_.number)
