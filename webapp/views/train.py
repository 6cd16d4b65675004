"""Starting a run, and steering the one under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import ValidationError

from federated.plan import Plan
from federated.views import NodeView, PlanView, RunView, StudyView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import badge, empty, opening, problem, section, table, tell_of_change
from webapp.next_step import labelled, live_run, why_not
from webapp.progress import training_panel
from webapp.studies import choose_study
from webapp.texts import text
from webapp.words import plain, size

OWN_PLAN = ""
"""Stands for the study's own plan among the names of the ready-made ones."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("train")
    study = choose_study(desk)
    if study is None or study.current is None:
        reason = study.problem if study and study.problem else text("train.no_model")
        st.info(plain(reason), icon=":material/hourglass_top:")
        return
    tell_of_change(lambda: _state(desk, study))
    runs = _runs(desk, study)
    run = live_run(runs)
    if run:
        training_panel(desk, study.study.id)
        _steering(desk, run)
        return
    if runs:
        _last_run(desk, runs[0])
    _new_run(desk, study)


def _runs(desk: Desk, study: StudyView) -> list[RunView]:
    return [run for run in desk.operator.runs() if run.study == study.study.id]


def _state(desk: Desk, study: StudyView) -> tuple[str, str] | None:
    run = live_run(_runs(desk, study))
    return (run.id, str(run.state)) if run else None


def _steering(desk: Desk, run: RunView) -> None:
    """Pause or resume, and stop; then the page is drawn anew from what the master says."""
    move = "resume" if run.state == "paused" else "pause"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            text(f"train.{move}"), icon=f":material/{move}:".replace("resume", "play_arrow")
        ):
            _steer(desk, run, move)
        with st.popover(text("train.stop"), icon=":material/stop:"):
            st.markdown(text("train.stop_what"))
            if st.button(text("train.stop_now"), type="primary"):
                _steer(desk, run, "stop")
        _link_to(desk, run)


def _steer(desk: Desk, run: RunView, action: str) -> None:
    try:
        desk.operator.steer(run.id, action)
    except ApiError as error:
        problem(error)
    else:
        st.rerun()


def _last_run(desk: Desk, run: RunView) -> None:
    """How the run before ended, and where to look at it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(text("train.last"), width="content")
        badge(run.state)
        if run.reason:
            st.markdown(plain(run.reason), width="content")
        _link_to(desk, run)


def _link_to(desk: Desk, run: RunView) -> None:
    st.page_link(desk.pages["results"], label=text("next.results"), query_params={"run": run.id})


def _new_run(desk: Desk, study: StudyView) -> None:
    section("train.new")
    chosen = _choose_plan(desk, study)
    plan = _fields(chosen)
    _candidates(desk, study, chosen.plan)
    if st.button(
        text("train.start"), type="primary", icon=":material/play_arrow:", shortcut="Ctrl+Enter"
    ):
        _start(desk, study, plan)


def _choose_plan(desk: Desk, study: StudyView) -> PlanView:
    own = PlanView(
        name=OWN_PLAN,
        title=text("train.own_plan"),
        description=text("train.own_plan_what"),
        plan=study.plan,
    )
    plans = {view.name: view for view in (own, *desk.operator.plans())}
    name = st.selectbox(
        text("train.plan"), list(plans), format_func=lambda name: plans[name].title, key="plan"
    )
    st.caption(plain(plans[name].description))
    return plans[name]


def _fields(chosen: PlanView) -> Mapping[str, Any]:
    """The chosen plan with what the form changes, as the document of a plan."""
    plan, key = chosen.plan, chosen.name
    with st.grid(min_column_width=180):
        rounds = _number("rounds", plan.rounds, key, 1, 100_000)
        epochs = _number("epochs", plan.training.epochs, key, 0, 1000)
        batch_size = _number("batch_size", plan.training.batch_size, key, 1, 4096)
        rate = st.number_input(
            text("train.learning_rate"),
            min_value=1e-6,
            max_value=10.0,
            value=plan.training.learning_rate,
            step=1e-4,
            format="%.5g",
            help=text("train.learning_rate_help"),
            key=f"learning_rate-{key}",
        )
    trigger = _trigger(chosen)
    document = plan.model_dump(mode="json")
    document["rounds"] = rounds
    document["training"] |= {"epochs": epochs, "batch_size": batch_size, "learning_rate": rate}
    document["trigger"] |= trigger
    return document


def _number(name: str, value: int, key: str, low: int, high: int) -> int:
    return int(
        st.number_input(
            text(f"train.{name}"),
            min_value=low,
            max_value=high,
            value=value,
            help=text(f"train.{name}_help"),
            key=f"{name}-{key}",
        )
    )


def _trigger(chosen: PlanView) -> dict[str, Any]:
    kind = st.segmented_control(
        text("train.when"),
        ["start", "upload"],
        default=chosen.plan.trigger.kind,
        format_func=lambda kind: text(f"train.when_{kind}"),
        required=True,
        key=f"trigger-{chosen.name}",
    )
    if kind == "start":
        return {"kind": "start"}
    least = _number(
        "min_new_pictures", chosen.plan.trigger.min_new_pictures, chosen.name, 1, 1_000_000
    )
    return {"kind": "upload", "min_new_pictures": least}


def _candidates(desk: Desk, study: StudyView, plan: Plan) -> None:
    """Which sites would take part, and why the others would not."""
    nodes = desk.operator.nodes()
    st.markdown(text("train.min_examples", count=plan.privacy.min_examples))
    if not nodes:
        empty("train.no_sites", desk, "sites")
        return
    rows = [_candidate(node, study, plan) for node in nodes]
    table(rows, text("train.candidates"))
    if study.current:
        st.caption(text("train.traffic", size=size(study.current.nbytes)))


def _candidate(node: NodeView, study: StudyView, plan: Plan) -> dict[str, object]:
    reason = why_not(node, study, plan)
    return {
        text("chart.site"): node.name,
        text("train.pictures"): str(labelled(node, study)),
        text("train.takes_part"): f"× {reason}" if reason else f"✓ {text('train.yes')}",
    }


def _start(desk: Desk, study: StudyView, document: Mapping[str, Any]) -> None:
    try:
        plan = Plan.model_validate(document)
        desk.operator.start_run(study.study.id, plan)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            where = ".".join(str(part) for part in fault["loc"])
            st.error(plain(f"{where}: {fault['msg']}".removeprefix(": ")), icon=":material/error:")
    except ApiError as error:
        problem(error)
    else:
        st.rerun()
