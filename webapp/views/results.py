"""A run, round by round: which updates counted, what became of the weights, how good they are."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from federated.states import RoundState
from federated.strategies import asynchronous
from federated.views import RoundView, RunView
from webapp.api.evaluation import Interval
from webapp.charts import (
    accuracy_by_round,
    loss_by_round,
    measures_told,
    sites_by_round,
    staleness_by_round,
)
from webapp.desk import Desk
from webapp.findings import from_to
from webapp.layout import badge, choose, empty, figures, guard, opening, show, tell_of_change
from webapp.plan_words import model_line, plan_line
from webapp.round_words import UNDER_WAY, run_name
from webapp.texts import text
from webapp.views.results_cross_site import cross_site
from webapp.views.results_search import search
from webapp.views.results_tested import tested
from webapp.views.results_updates import updates
from webapp.views.results_weights import weights
from webapp.words import figure, opened, percent, short


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("results")
    runs = {run.id: run for run in desk.operator.runs()}
    if not runs:
        empty("results.none", desk, "train")
        return
    run = runs[choose("run", text("results.run"), list(runs), lambda name: run_name(runs[name]))]
    tell_of_change(lambda: _state(desk, run.id))
    rounds = desk.operator.rounds(run.id)
    _headline(run, rounds)
    if not rounds:
        st.markdown(text("results.no_rounds"))
        return
    _course(rounds)
    if asynchronous(run.plan.strategy):
        _ages(rounds)
    with guard():
        cross_site(desk, run)
    round_ = _choose_round(rounds)
    _round(desk, run, round_)
    _downloads(desk, run, round_)


def _state(desk: Desk, run_id: str) -> tuple[object, ...]:
    """What makes the page worth drawing anew."""
    run = desk.operator.run(run_id)
    ended = sum(task.state not in UNDER_WAY for task in run.tasks)
    return (run.state, run.round, run.weights, run.evaluation is not None, ended, run.reason)


def _headline(run: RunView, rounds: list[RoundView]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge(run.state)
        if run.reason:
            st.markdown(opened(run.reason))
    st.caption(f"{plan_line(run.plan)}. {model_line(run.plan)}")
    tested = run.evaluation or {}
    done = sum(round_.state == RoundState.CLOSED for round_ in rounds)
    figures(
        {
            text("results.rounds"): f"{done} / {run.plan.rounds}",
            text("figure.auc"): figure(tested.get("auc")),
            text("figure.accuracy"): percent(tested.get("accuracy")),
            text("figure.balanced_accuracy"): percent(tested.get("balanced_accuracy")),
            text("figure.loss"): figure(tested.get("loss")),
        },
        below={
            text("figure.auc"): _interval(tested, "auc", in_percent=False),
            text("figure.accuracy"): _interval(tested, "accuracy"),
            text("figure.balanced_accuracy"): _interval(tested, "balanced_accuracy"),
        },
    )


def _interval(tested: Mapping[str, float | None], name: str, *, in_percent: bool = True) -> str:
    """The 95 % interval of a headline figure; empty where there is none."""
    low, high = tested.get(f"{name}_low"), tested.get(f"{name}_high")
    if low is None or high is None:
        return ""
    return from_to(Interval(low=low, high=high), in_percent=in_percent)


def _course(rounds: list[RoundView]) -> None:
    st.header(text("results.course"), anchor=False)
    if all(round_.weights_after is None for round_ in rounds):
        st.markdown(text("results.no_figures"))
        return
    accuracy, loss = st.columns(2, gap="large")
    with accuracy:
        show(accuracy_by_round(rounds), "accuracy-by-round")
    with loss:
        show(loss_by_round(rounds), "loss-by-round")
    _by_site(rounds)


def _by_site(rounds: list[RoundView]) -> None:
    """One figure of every site over the rounds."""
    measures = measures_told(rounds)
    if not measures:
        return
    st.header(text("results.by_site"), anchor=False)
    st.markdown(text("results.by_site_what"))
    measure = choose(
        "measure", text("results.measure"), measures, lambda name: text(f"figure.{name}")
    )
    show(sites_by_round(rounds, measure), "sites-by-round")


def _ages(rounds: list[RoundView]) -> None:
    """How old each update was when it counted."""
    chart = staleness_by_round(rounds)
    if chart:
        st.header(text("results.ages"), anchor=False)
        st.markdown(text("results.ages_what"))
        show(chart, "staleness-by-round")


def _choose_round(rounds: list[RoundView]) -> RoundView:
    """The round in the address, else the newest that is closed, else the newest."""
    newest_first = sorted(rounds, key=lambda r: (r.state != "closed", -r.number))
    by_number = {str(round_.number): round_ for round_ in newest_first}
    st.header(text("results.round_title"), anchor=False)
    chosen = choose(
        "round",
        text("results.round"),
        list(by_number),
        lambda number: text(
            "results.round_name", number=number, state=_state_word(by_number[number])
        ),
    )
    return by_number[chosen]


def _state_word(round_: RoundView) -> str:
    return text(f"state.{round_.state}")


def _round(desk: Desk, run: RunView, round_: RoundView) -> None:
    if round_.reason:
        st.warning(opened(round_.reason), icon=":material/info:")
    if round_.note:
        st.caption(opened(round_.note))
    names = ["updates", "weights", "tested", "settings"]
    if run.plan.search is not None:
        names.insert(1, "search")
    drawn = dict(zip(names, st.tabs([text(f"results.{name}") for name in names]), strict=True))
    with drawn["updates"], guard():
        updates(round_, run.plan)
    if run.plan.search is not None:
        with drawn["search"], guard():
            search(desk, run)
    with drawn["weights"], guard():
        weights(desk, run, round_)
    with drawn["tested"], guard():
        tested(desk, run, round_)
    with drawn["settings"]:
        st.caption(text("results.plan_hash", sha256=run.plan_sha256))
        st.json(run.plan.model_dump(mode="json"))


def _downloads(desk: Desk, run: RunView, round_: RoundView) -> None:
    st.header(text("results.take_away"), anchor=False)
    st.markdown(text("results.take_away_what"))
    stem = f"{run.study}-{short(run.id)}"
    with st.container(horizontal=True):
        st.download_button(
            text("results.keras", round=round_.number),
            lambda: desk.operator.keras_file(run.study, run.id, round_.number),
            file_name=f"{stem}-round-{round_.number}.keras",
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            disabled=round_.weights_after is None,
        )
        st.download_button(
            text("results.history"),
            lambda: desk.operator.history_file(run.id),
            file_name=f"{stem}-history.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/table_view:",
        )
