"""What a new run would be: its differences, its length and traffic, and the last question."""

from __future__ import annotations

import streamlit as st

from federated.plan import Plan
from federated.views import PlanCheck, PlanView, StudyView
from webapp.api import ApiError
from webapp.desk import Desk
from webapp.layout import table
from webapp.plan_document import as_toml, differences
from webapp.plan_estimate import Estimate, estimate
from webapp.plan_words import model_line, plan_line, round_line
from webapp.texts import text
from webapp.views.plan_inputs import label_of, option_of, written
from webapp.words import plain, short, size, span


def changes(chosen: PlanView, plan: Plan) -> None:
    """In what the plan differs from the one that it began from."""
    found = differences(chosen.plan, plan)
    if not found:
        st.caption(text("form.unchanged"))
        return
    with st.expander(text("form.changed", count=len(found)), icon=":material/difference:"):
        rows = [
            {
                text("form.setting"): label_of(path),
                text("form.before"): _shown(path, before),
                text("form.now"): _shown(path, after),
            }
            for path, before, after in found
        ]
        table(rows, text("form.changes"))


def _shown(path: str, value: object) -> str:
    return option_of(path, value) if isinstance(value, str) and value else written(value)


def course(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck) -> None:
    """How long it may take, and how much travels."""
    found = _estimate(desk, study, plan, check)
    if found.nbytes is None:
        st.caption(text("train.traffic_unknown"))
        return
    current = study.current
    if current is not None:
        st.caption(text("train.traffic", size=size(current.nbytes)))
        if current.frozen:
            st.caption(text("train.traffic_frozen", size=size(current.frozen_nbytes)))
    st.markdown(_estimated(found))


def _estimate(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck | None) -> Estimate:
    """From what the sites measured with the same model; of another nothing is known."""
    current = study.current
    if current is None or check is None:
        return Estimate(None, None)
    made_by = {run.id: run.plan.model for run in desk.operator.runs()} if current.run else {}
    same = made_by.get(current.run or "", study.plan.model) == plan.model
    able = {node.node for node in check.nodes}
    sites = [node for node in desk.operator.nodes() if node.id in able]
    return estimate(plan, study.study.id, current if same else None, sites)


def _estimated(found: Estimate) -> str:
    if found.nbytes is None:
        return ""
    if found.seconds is None:
        return text("form.bytes_alone", size=size(found.nbytes))
    return text("form.estimate", span=span(found.seconds), size=size(found.nbytes))


def confirmed(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck | None) -> None:
    """Asks once more, and starts."""
    # A dialog's title is given to its decorator, and the language is known on the page alone.
    titled = st.dialog(text("form.confirm"), width="medium", icon=":material/play_arrow:")
    titled(_ask)(desk, study, plan, check)


def _ask(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck | None) -> None:
    st.markdown(plan_line(plan))
    st.markdown(model_line(plan))
    if check is not None and check.nodes:
        st.markdown(round_line(plan, len(check.nodes)))
    if told := _estimated(_estimate(desk, study, plan, check)):
        st.markdown(told)
    if not plan.publish:
        st.caption(text("train.beside_help"))
    label = text("form.start_now")
    if st.button(label, type="primary", key="start-now", on_click=_start, args=(desk, study, plan)):
        st.rerun()


def _start(desk: Desk, study: StudyView, plan: Plan) -> None:
    try:
        desk.operator.start_run(study.study.id, plan)
    except ApiError as error:
        st.session_state[f"refused-{study.study.id}"] = error


def take_away(plan: Plan, chosen: PlanView) -> None:
    """The plan as a file like those of the ready-made plans."""
    st.download_button(
        text("form.download"),
        data=as_toml(plan, chosen.title, chosen.description),
        file_name=f"plan-{short(plan.sha256)}.toml",
        mime="application/toml",
        icon=":material/download:",
        on_click="ignore",
        key="plan-file",
    )
    st.caption(plain(text("form.hash", sha256=short(plan.sha256))))
