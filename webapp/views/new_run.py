"""A new run: a plan is chosen, changed, checked by the master, looked at again, and started."""

from __future__ import annotations

import streamlit as st
from pydantic import ValidationError

from federated.plan import Plan
from federated.states import NodeState
from federated.views import ModelsView, PlanCheck, StudyView
from webapp.api import ApiError
from webapp.awaited import awaited, follow
from webapp.desk import Desk
from webapp.layout import empty, guard, problem, section, table
from webapp.plan_document import Document
from webapp.plan_words import model_line, round_line
from webapp.retold import retold
from webapp.texts import text, texts
from webapp.views.plan_choice import choose_plan, key_of
from webapp.views.plan_form import ask_plan
from webapp.views.plan_inputs import Form, label_of
from webapp.views.plan_summary import changes, confirmed, course, take_away
from webapp.words import plain


def new_run(desk: Desk, study: StudyView) -> None:
    """Draws the form, what the master says of it, and the button that starts it."""
    section("train.new")
    _refused(study)
    chosen = choose_plan(desk, study)
    sites = sum(node.state == NodeState.ACTIVE for node in desk.operator.nodes())
    document, form = ask_plan(chosen, key_of(chosen), _models(desk), desk.batches, sites)
    plan = _understood(document, form)
    if plan is None:
        return
    st.caption(model_line(plan))
    changes(chosen, plan)
    check = None
    with guard():
        check = _checked(desk, study, plan)
        if check is None:
            st.info(text("train.checking"), icon=":material/hourglass_top:")
        else:
            _told(desk, study, plan, check)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            text("train.start"),
            type="primary",
            icon=":material/play_arrow:",
            shortcut="Ctrl+Enter",
            disabled=check is not None and check.impossible,
        ):
            confirmed(desk, study, plan, check)
        take_away(plan, chosen)


def _models(desk: Desk) -> ModelsView:
    """The architectures that the master has; none where it is of an older version."""
    try:
        return desk.operator.models()
    except ApiError as error:
        if error.status != 404:
            raise
        return ModelsView()


def _refused(study: StudyView) -> None:
    """What the master said to a start that was refused; told once."""
    error: ApiError | None = st.session_state.pop(f"refused-{study.study.id}", None)
    if error is not None:
        problem(error)


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


def _understood(document: Document, form: Form) -> Plan | None:
    """The plan; what is wrong with it is told, all at once and where it is."""
    if document["data"].get("url") == "":
        st.info(text("train.url_first"), icon=":material/link:")
        return None
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            for said in _faults(str(fault["msg"])):
                _tell(said, [str(part) for part in fault["loc"]], form)
        return None


def _faults(message: str) -> list[str]:
    """Each fault by itself: a plan tells those of its parts together in one sentence."""
    own = message.removeprefix(OWN_WORDS)
    return own.split("; ") if own != message else [message]


def _tell(said: str, path: list[str], form: Form) -> None:
    """Tells a fault below the button, and beside the field that has it."""
    said = retold(said)
    known = [slot for slot in form.slots if _leads_to(path, slot)]
    field = max(known, key=len, default="")
    where = _name_of(field) if field else ".".join(path)
    st.error(
        plain(text("event.because", what=where, why=said) if where else said),
        icon=":material/error:",
    )
    if field:
        form.slots[field].error(plain(said), icon=":material/error:")


def _leads_to(path: list[str], slot: str) -> bool:
    """Whether a fault's path goes through a field; it names the kinds of things on its way too."""
    parts = iter(path)
    return all(part in parts for part in slot.split("."))


def _name_of(field: str) -> str:
    """A field as the form calls it."""
    own = f"train.{field.rpartition('.')[2]}"
    return text(own) if field.startswith("data.") and own in texts() else label_of(field)


def _told(desk: Desk, study: StudyView, plan: Plan, check: PlanCheck) -> None:
    """What stands in the way, which sites would take part, and what a round then is."""
    if check.reasons:
        _objections(desk, check)
    if not check.nodes and not check.excluded:
        empty("train.no_sites", desk, "sites")
        return
    rows = [(node.node_name, f"✓ {text('train.yes')}") for node in check.nodes]
    rows += [(node.node_name, f"× {retold(node.reason)}") for node in check.excluded]
    shown = [
        {text("chart.site"): name, text("train.takes_part"): answer}
        for name, answer in sorted(rows)
    ]
    if len(shown) > FEW:
        with st.expander(text("train.taking_part", able=len(check.nodes), all=len(shown))):
            table(shown, text("train.candidates"))
    else:
        table(shown, text("train.candidates"))
    if check.nodes and not check.reasons:
        st.markdown(round_line(plan, len(check.nodes)))
    course(desk, study, plan, check)


OWN_WORDS = "Value error, "
"""What pydantic writes before a fault in the words of our own values."""

FEW = 12
"""Sites that are listed without being asked for."""


def _objections(desk: Desk, check: PlanCheck) -> None:
    """What stands in the way of the whole; what keeps a single site away is in the table."""
    sites = tuple(f"{node.node_name}: " for node in check.excluded)
    reasons = [reason for reason in check.reasons if not reason.startswith(sites)]
    told = "\n".join(f"- {plain(retold(reason))}" for reason in reasons)
    if check.impossible:
        st.warning(f"{text('train.impossible')}\n\n{told}", icon=":material/block:")
        return
    st.info(f"{text('train.not_now')}\n\n{told}", icon=":material/hourglass_top:")
    if "pictures" in desk.pages and not check.nodes:
        st.page_link(desk.pages["pictures"], label=text("next.pictures"))
