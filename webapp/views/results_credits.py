"""What the sites earned with one round of a run."""

from __future__ import annotations

import streamlit as st

from federated.views import RunView
from webapp.desk import Desk
from webapp.texts import text
from webapp.views.rewards_round import how_it_arose


def credits_of(desk: Desk, run: RunView, number: int) -> None:
    """Draws how the credits of a round arose, and the way to all credits."""
    found = desk.operator.round_credits(run.id, number)
    if found:
        how_it_arose(found)
    else:
        st.markdown(text("results.no_credits"))
    if "rewards" in desk.pages:
        query = {"run": run.id, "round": str(number)}
        label = text("results.all_credits")
        st.page_link(
            desk.pages["rewards"], label=label, icon=":material/award_star:", query_params=query
        )
