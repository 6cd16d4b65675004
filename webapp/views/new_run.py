"""A new run: a plan is chosen, changed, checked by the master, and started."""

from __future__ import annotations

import streamlit as st
from pydantic import ValidationError

from federated.plan import Plan
from federated.states import NodeState
from federated.views import PlanCheck, PlanView, StudyView
from webapp.api import ApiError
from webapp.awaited import awaited, follow
from webapp.desk import Desk
from webapp.layout import empty, guard, problem, section, table
from webapp.plan_words import model_line, round_line
from webapp.texts import text, texts
from webapp.views.plan_form import Document, plan_document
from webapp.words import plain, size

DEFAULT = "default"
"""The ready-made plan that stands before the others."""

OWN_PLAN = ""
"""Stands for the study's own plan among the names of the ready-made ones."""


def new_run(desk: Desk, study: StudyView) -> None:
    """Draws the form, what the master says of it, and the button that starts it."""
    section("train.new")
    sites = sum(node.state == NodeState.ACTIVE for node in desk.operator.nodes())
    plan = _understood(plan_document(_choose_plan(desk, study), desk.batches, sites))
    if plan is None:
        return
    st.caption(model_line(plan))
    check = None
    with guard():
        check = _checked(desk, study, plan)
        if check is None:
            st.info(text("train.checking"), icon=":material/hourglass_top:")
        else:
            _told(desk, study, plan, check)
    if st.button(
        text("train.start"),
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Ctrl+Enter",
        disabled=check is not None and check.impossible,
    ):
        _start(desk, study, plan)


def _checked(desk: Desk, study: StudyView, plan: Plan) -> PlanCheck | None:
    """What the master says of the plan; None while it looks at the batches."""
    name = study.study.id

    def ask() -> PlanCheck:
        return desk.operator.check_plan(name, plan)

    check = awaited("check", f"{name} {plan.sha256}", ask, desk.now())
    if check is not None and check.reasons:
        # A site comes back, or batches are put where they are looked for.
        follow("check", ask, desk.now)
    return check


def _choose_plan(desk: Desk, study: StudyView) -> PlanView:
    own = PlanView(
        name=OWN_PLAN,
        title=text("train.own_plan"),
        description=text("train.own_plan_what"),
        plan=study.plan,
    )
    ready = sorted(desk.operator.plans(), key=lambda view: (view.name != DEFAULT, view.title))
    plans = {view.name: view for view in (own, *ready)}
    name = st.selectbox(
        text("train.plan"), list(plans), format_func=lambda name: plans[name].title, key="plan"
    )
    st.caption(plain(plans[name].description))
    return plans[name]


def _understood(document: Document) -> Plan | None:
    """The plan; what is wrong with it is told, all at once."""
    if document["data"].get("url") == "":
        st.info(text("train.url_first"), icon=":material/link:")
        return None
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            said = str(fault["msg"]).removeprefix("Value error, ")
            where = _where([str(part) for part in fault["loc"]])
            st.error(plain(f"{where}: {said}" if where else said), icon=":material/error:")
        return None


def _where(path: list[str]) -> str:
    """The field of the form where a plan has that path, else the path."""
    field = f"train.{path[-1]}" if path else ""
    return text(field) if field in texts() else ".".join(path)


def _told(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck) -> None:
    """What stands in the way, which sites would take part, and what a round then is."""
    if check.reasons:
        _objections(desk, check)
    if not check.nodes and not check.excluded:
        empty("train.no_sites", desk, "sites")
        return
    rows = [(node.node_name, f"✓ {text('train.yes')}") for node in check.nodes]
    rows += [(node.node_name, f"× {node.reason}") for node in check.excluded]
    shown = [
        {text("chart.site"): name, text("train.takes_part"): answer}
        for name, answer in sorted(rows)
    ]
    table(shown, text("train.candidates"))
    if check.nodes and not check.reasons:
        st.markdown(round_line(plan, len(check.nodes)))
    _traffic(desk, study, plan)


def _traffic(desk: Desk, study: StudyView, plan: Plan) -> None:
    """How much travels, where the study's current model tells of the plan's."""
    current = study.current
    if current is None:
        return
    made_by = {run.id: run.plan.model for run in desk.operator.runs()} if current.run else {}
    if made_by.get(current.run or "", study.plan.model) != plan.model:
        st.caption(text("train.traffic_unknown"))
        return
    said = text("train.traffic", size=size(current.nbytes))
    if current.frozen:
        said += f" {text('train.traffic_frozen', size=size(current.frozen_nbytes))}"
    st.caption(said)


def _objections(desk: Desk, check: PlanCheck) -> None:
    """What stands in the way of the whole; what keeps a single site away is in the table."""
    sites = tuple(f"{node.node_name}: " for node in check.excluded)
    reasons = [reason for reason in check.reasons if not reason.startswith(sites)]
    told = "\n".join(f"- {plain(reason)}" for reason in reasons)
    if check.impossible:
        st.warning(f"{text('train.impossible')}\n\n{told}", icon=":material/block:")
        return
    st.info(f"{text('train.not_now')}\n\n{told}", icon=":material/hourglass_top:")
    if "pictures" in desk.pages and not check.nodes:
        st.page_link(desk.pages["pictures"], label=text("next.pictures"))


def _start(desk: Desk, study: StudyView, plan: Plan) -> None:
    try:
        desk.operator.start_run(study.study.id, plan)
    except ApiError as error:
        problem(error)
    else:
        st.rerun()
