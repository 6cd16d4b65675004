"""How the credits of one round arose: the policy's arithmetic in sentences, a table and bars."""

from __future__ import annotations

import streamlit as st

from federated.views import CreditShare, RoundCredits
from webapp.charts import contributions_chart
from webapp.layout import badge, show, table
from webapp.retold import retold
from webapp.texts import text, texts
from webapp.words import (
    NOTHING,
    credit,
    figure,
    percent,
    plain,
    sentences,
    signed,
    whole,
)

SIGNS = {"granted": "granted", "none": "not_granted", "pending": "pending"}


def how_it_arose(round_: RoundCredits) -> None:
    """Draws what was measured, what each update brought, and what it got."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badge(SIGNS[round_.state])
        st.markdown(_outcome(round_))
    st.markdown(_arithmetic(round_))
    if not round_.updates:
        return
    table([_row(one, round_) for one in round_.updates], text("rewards.round_table"))
    chart = contributions_chart(round_)
    if chart is not None:
        show(chart, "contributions")


def _outcome(round_: RoundCredits) -> str:
    """How far it is, or what came of it."""
    if round_.state == "none":
        return plain(retold(round_.reason or text("rewards.no_reason")))
    if round_.state == "granted":
        paid = sum(one.credits for one in round_.updates)
        got = sum(one.credits > 0 for one in round_.updates)
        return text("rewards.granted", credits=credit(paid), count=got)
    if round_.most_models is None:
        return text("rewards.measured", count=round_.models)
    return text("rewards.measured_of", models=round_.models, most=whole(round_.most_models))


def _arithmetic(round_: RoundCredits) -> str:
    """The rule and its figures, as sentences."""
    told = []
    if f"rewards.policy_{round_.policy}" in texts():
        told.append(text(f"rewards.policy_{round_.policy}"))
    if round_.before is not None:
        told.append(text("rewards.before", accuracy=percent(round_.before)))
    if round_.after is not None:
        told.append(text("rewards.after", accuracy=percent(round_.after)))
    if round_.orders:
        told.append(text("rewards.orders", count=round_.orders, models=whole(round_.models)))
    if round_.state == "granted":
        merits = sum(max(0.0, one.contribution or 0.0) for one in round_.updates)
        told.append(text("rewards.share", pool=whole(round_.pool), sum=_points(merits)))
    return sentences(*told)


def _row(one: CreditShare, round_: RoundCredits) -> dict[str, object]:
    """What matters most first: a narrow screen shows the first columns."""
    row: dict[str, object] = {text("chart.site"): one.node_name}
    if one.contribution is not None:
        row[text("rewards.contribution")] = _signed(one.contribution)
    row[text("rewards.credits")] = NOTHING if round_.state == "pending" else credit(one.credits)
    if any(other.compared is not None for other in round_.updates):
        row[_compared(round_.policy)] = percent(one.compared)
    return row | {text("updates.examples"): whole(one.num_examples)}


def _compared(policy: str) -> str:
    """What the accuracy that a contribution was reckoned from is of."""
    if f"rewards.compared_{policy}" in texts():
        return text(f"rewards.compared_{policy}")
    return text("figure.accuracy")


def _points(share: float) -> str:
    return figure(100 * share, 1)


def _signed(share: float) -> str:
    return signed(100 * share)
