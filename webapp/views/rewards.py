"""Credits: who has how many, and how each of them arose."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from federated.views import LedgerEntry, Rewards, Standing
from webapp.charts import credit_trend
from webapp.desk import Desk
from webapp.layout import empty, opening, section, show, table
from webapp.texts import text
from webapp.words import credit, day


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("rewards")
    rewards: Rewards = desk.operator.rewards()
    with st.expander(text("rewards.how_title"), type="compact"):
        st.markdown(text("rewards.how"))
    if not rewards.ledger:
        empty("rewards.none", desk, "train")
        return
    section("rewards.leaderboard")
    table([_standing(entry) for entry in rewards.leaderboard], text("rewards.leaderboard"))
    show(credit_trend(rewards.ledger), "credit-trend")
    section("rewards.ledger")
    newest_first = sorted(rewards.ledger, key=lambda entry: -entry.id)
    frame = pd.DataFrame([_entry(entry) for entry in newest_first])
    st.dataframe(frame, hide_index=True, alt=text("rewards.ledger"), key="ledger")


def _standing(entry: Standing) -> dict[str, object]:
    return {
        text("rewards.rank"): str(entry.rank),
        text("chart.site"): entry.node_name,
        text("rewards.credits"): credit(entry.credits),
        text("rewards.updates"): str(entry.updates),
    }


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {
        text("rewards.when"): day(entry.at),
        text("chart.site"): entry.node_name,
        text("rewards.credits"): credit(entry.credits),
        text("chart.round"): entry.round,
        text("rewards.reason"): entry.reason,
    }
