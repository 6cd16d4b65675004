"""The plans that a site is asked to train by, in plain words, with Approve and Decline."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from federated.views import Approval, Participation, ProposedPlan
from webapp.desk import Site
from webapp.layout import badge, section
from webapp.texts import text
from webapp.words import day, plain, short, size

MODES: Sequence[Approval] = ("automatic", "ask")
MOST_SHOWN = 6


def plans(site: Site, known: Participation) -> None:
    """Who decides on plans, and a card for each of the latest, those that wait first."""
    section("taking_part.plans")
    _mode(site, known)
    waiting = sorted(known.plans, key=lambda plan: plan.decision != "undecided")
    if not waiting:
        st.markdown(text("taking_part.no_plan"))
    for plan in waiting[:MOST_SHOWN]:
        _card(site, plan, known.approval)


def _mode(site: Site, known: Participation) -> None:
    # Named after what holds now, so that a change from elsewhere shows.
    key = f"approval-{site.name}-{known.approval}"
    with st.form(f"mode-{site.name}"):
        chosen = st.radio(
            text("taking_part.mode"),
            MODES,
            index=MODES.index(known.approval),
            format_func=lambda mode: text(f"taking_part.mode_{mode}"),
            key=key,
        )
        if st.form_submit_button(text("taking_part.save"), key=f"save-mode-{site.name}"):
            site.child.approve_by(chosen)
            st.rerun()


def _card(site: Site, plan: ProposedPlan, approval: Approval) -> None:
    with st.container(border=True, key=f"plan-{site.name}-{plan.sha256[:12]}"):
        if plan.decision != "undecided" or approval == "ask":
            badge(plan.decision)
        st.subheader(
            text("taking_part.plan", plan=short(plan.sha256), study=plain(plan.study)), anchor=False
        )
        st.markdown("\n".join(f"- {sentence}" for sentence in sentences(plan)))
        st.caption(text("taking_part.plan_seen", time=day(plan.seen_at), hash=plan.sha256))
        with st.container(horizontal=True):
            if plan.decision != "approved":
                _decide(site, plan, "approve", "approved")
            if plan.decision != "declined":
                _decide(site, plan, "decline", "declined")


def _decide(site: Site, plan: ProposedPlan, action: str, decision: str) -> None:
    """A button that says what it will do before it does it."""
    with st.popover(text(f"taking_part.{action}")):
        st.markdown(text(f"taking_part.{action}_what"))
        key = f"{action}-{site.name}-{plan.sha256[:12]}"
        if st.button(text(f"taking_part.{action}_confirm"), key=key, type="primary"):
            site.child.decide(plan.sha256, decision)
            st.rerun()


def sentences(plan: ProposedPlan) -> list[str]:
    """What a plan means for this site."""
    chosen = plan.plan
    own = plan.pictures is not None
    count = plan.pictures or 0
    told = [text("taking_part.plan_own", count=count) if own else text("taking_part.plan_public")]
    told.append(text("taking_part.plan_epochs", count=chosen.training.epochs))
    told.append(text("taking_part.plan_rounds", count=chosen.rounds))
    told.append(text("taking_part.plan_leaves", size=size(plan.nbytes)))
    if chosen.cross_site:
        told.append(text("taking_part.plan_cross"))
    return told
