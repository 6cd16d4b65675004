"""Credits: who has how many, and how each of them arose."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from federated.views import LedgerEntry, Rewards, Standing
from webapp.charts import credit_trend
from webapp.desk import Desk
from webapp.layout import choose, empty, guard, opening, section, show, table, tell_of_change
from webapp.retold import retold
from webapp.round_words import run_name
from webapp.texts import text
from webapp.views.rewards_round import how_it_arose
from webapp.words import NOTHING, alike, credit, day, whole

FIRST = 15
"""Places of the leaderboard that are shown without being asked for."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("rewards")
    rewards: Rewards = desk.operator.rewards()
    with st.expander(text("rewards.how_title"), type="compact"):
        st.markdown(text("rewards.how"))
        st.markdown(text("rewards.policies"))
        st.markdown(text("rewards.average"))
    waits = any(one.state == "pending" for one in rewards.rounds)
    tell_of_change(lambda: _state(desk, waits))
    if not rewards.leaderboard:
        empty("rewards.none", desk, "train")
        return
    _leaderboard(rewards)
    with guard():
        _rounds(desk)
    _ledger(rewards)


def _state(desk: Desk, waits: bool) -> tuple[object, ...]:
    """What makes the page worth drawing anew; the long ledger is not asked for in vain."""
    paid = tuple((node.id, node.credits) for node in desk.operator.nodes())
    rounds = tuple((run.id, run.round) for run in desk.operator.runs())
    if not waits:
        return (paid, rounds)
    pending = desk.operator.rewards().rounds
    return (paid, rounds, tuple((one.run, one.round, one.state, one.models) for one in pending))


def _leaderboard(rewards: Rewards) -> None:
    section("rewards.leaderboard")
    waits = any(entry.pending for entry in rewards.leaderboard)
    rows = [_standing(entry, waits) for entry in rewards.leaderboard]
    table(rows[:FIRST], text("rewards.leaderboard"))
    if len(rows) > FIRST:
        with st.expander(text("rewards.further", count=len(rows) - FIRST)):
            table(rows[FIRST:], text("rewards.leaderboard"))
    if waits:
        st.caption(text("rewards.pending_what"))
    if rewards.trend:
        if len(rewards.trend) < len(rewards.leaderboard):
            st.caption(text("rewards.trend_of", count=len(rewards.trend)))
        show(credit_trend(rewards.trend), "credit-trend")


def _standing(entry: Standing, waits: bool) -> dict[str, object]:
    row: dict[str, object] = {
        text("rewards.rank"): str(entry.rank),
        text("chart.site"): entry.node_name,
        text("rewards.credits"): credit(entry.credits),
        text("rewards.recent"): credit(entry.recent_average),
        text("rewards.updates"): str(entry.updates),
    }
    if waits:
        row[text("rewards.pending")] = str(entry.pending or NOTHING)
    return row


def _rounds(desk: Desk) -> None:
    """How the credits of one round of one run arose."""
    runs = {run.id: run for run in desk.operator.runs() if run.round}
    if not runs:
        return
    section("rewards.round")
    run = choose("run", text("results.run"), list(runs), lambda name: run_name(runs[name]))
    newest = runs[run].round
    if newest > 1 and desk.operator.round_credits(run, newest) is None:
        # It is open still, or failed.
        newest -= 1
    numbers = [str(number) for number in range(newest, 0, -1)]
    number = choose("round", text("chart.round"), numbers, str)
    found = desk.operator.round_credits(run, int(number))
    if found is None:
        st.markdown(text("rewards.no_round"))
        return
    how_it_arose(found)


def _ledger(rewards: Rewards) -> None:
    section("rewards.ledger")
    if not rewards.ledger:
        st.markdown(text("rewards.no_entry"))
        return
    if rewards.entries > len(rewards.ledger):
        shown, entries = len(rewards.ledger), whole(rewards.entries)
        st.caption(text("rewards.newest", shown=shown, entries=entries))
    newest_first = sorted(rewards.ledger, key=lambda entry: -entry.id)
    frame = pd.DataFrame([_entry(entry) for entry in newest_first])
    st.dataframe(frame, hide_index=True, alt=text("rewards.ledger"), key="ledger")


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {
        text("rewards.when"): day(entry.at),
        text("chart.site"): entry.node_name,
        text("rewards.credits"): credit(entry.credits),
        text("chart.round"): entry.round,
        text("rewards.reason"): alike(retold(entry.reason)),
    }
