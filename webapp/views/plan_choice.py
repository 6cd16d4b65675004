"""The plan that a new run begins from: a preset, another ready-made one, or one that is pasted."""

from __future__ import annotations

import hashlib

import streamlit as st

from federated.errors import FederationError
from federated.views import PlanView, StudyView
from webapp.desk import Desk
from webapp.layout import choose
from webapp.plan_document import read_toml
from webapp.retold import retold
from webapp.texts import text
from webapp.words import plain

PRESETS = {"demo": "timer", "teaching": "school", "full": "fitness_center"}
"""The ready-made plans that most people want, each with its icon."""

OWN_PLAN = "own"
"""Stands for the study's own plan among the names of the ready-made ones."""

DEFAULT = "default"
"""The ready-made plan that stands before the others."""


def choose_plan(desk: Desk, study: StudyView) -> PlanView:
    """The plan to begin from; the page's address names it, so that it can be shared."""
    own = PlanView(
        name=OWN_PLAN,
        title=text("train.own_plan"),
        description=text("train.own_plan_what"),
        plan=study.plan,
    )
    ready = {view.name: view for view in desk.operator.plans()}
    others = sorted(ready.values(), key=lambda view: (view.name != DEFAULT, view.title))
    plans = {view.name: view for view in (own, *others)}
    _presets(ready)
    name = choose("plan", text("train.plan"), list(plans), lambda name: retold(plans[name].title))
    chosen = _pasted() or plans[name]
    st.caption(plain(retold(chosen.description)))
    return chosen


def key_of(chosen: PlanView) -> str:
    """What tells the fields of this plan from those of another."""
    if chosen.name == "pasted":
        return hashlib.sha256(chosen.plan.sha256.encode()).hexdigest()[:8]
    return "" if chosen.name == OWN_PLAN else chosen.name


def _presets(ready: dict[str, PlanView]) -> None:
    """A button for each preset that the master has."""
    chosen = st.query_params.get("plan")
    with st.container(horizontal=True, gap="small"):
        for name, icon in PRESETS.items():
            if name in ready:
                st.button(
                    text(f"train.preset_{name}"),
                    icon=f":material/{icon}:",
                    help=plain(retold(ready[name].description)),
                    type="primary" if name == chosen else "secondary",
                    key=f"preset-{name}",
                    on_click=_take,
                    args=(name,),
                )


def _take(name: str) -> None:
    st.query_params["plan"] = name
    st.session_state["pasted"] = ""


def _pasted() -> PlanView | None:
    """The plan that somebody pasted as text; None without one, or with one that is none."""
    with st.expander(text("form.paste"), icon=":material/content_paste:", key="paste"):
        written = st.text_area(
            text("form.paste_label"), help=text("form.paste_help"), key="pasted", height=200
        )
        if not written.strip():
            return None
        try:
            found = read_toml(written)
        except FederationError as error:
            st.error(plain(retold(error.detail)), icon=":material/error:")
            return None
        st.success(text("form.pasted"), icon=":material/check_circle:")
        return found
