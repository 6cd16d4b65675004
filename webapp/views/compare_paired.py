"""Whether models differ by more than chance: each on the same test pictures as the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from federated.views import ComparedRun, PairedRun, PairedView
from webapp.awaited import awaited
from webapp.charts.paired import paired_chart
from webapp.desk import Desk
from webapp.layout import choose, section, show, table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import NOTHING, figure, percent, plain, signed

MOST = 8
"""Runs that the master measures at once."""

CHANCE = 0.05

LEAST_TOLD = 0.001
"""P-values below it are told as below it."""


def paired(desk: Desk, study: str, runs: Sequence[ComparedRun], names: Mapping[str, str]) -> None:
    """Draws the differences from a reference that a person chooses."""
    able = [run.id for run in runs if run.rounds][:MOST]
    section("compare.chance")
    if len(able) < 2:
        st.markdown(text("compare.chance_too_few"))
        return
    st.markdown(text("compare.chance_what"))
    reference = choose("with", text("compare.reference"), able, lambda name: plain(names[name]))
    asked = [reference, *(name for name in able if name != reference)]
    found = awaited(
        "paired",
        f"{study} {','.join(asked)}",
        lambda: desk.operator.paired(study, asked),
        desk.now(),
    )
    if found is None:
        st.info(text("compare.measuring"), icon=":material/hourglass_top:")
    elif not found.num_examples:
        st.markdown(text("compare.no_test"))
    else:
        _found(found, names)


def _found(view: PairedView, names: Mapping[str, str]) -> None:
    p_values = adjusted([one.p_value for one in view.runs])
    for one, p_value in zip(view.runs, p_values, strict=True):
        st.markdown(f"- {verdict(one, p_value, view, names)}")
    chart = paired_chart(view, names)
    if chart:
        show(chart, "paired")
    rows = [_row(one, p, names) for one, p in zip(view.runs, p_values, strict=True)]
    table(rows, text("compare.chance"))
    st.caption(text("compare.chance_how", count=view.num_examples))


def verdict(
    one: PairedRun, p_value: float | None, view: PairedView, names: Mapping[str, str]
) -> str:
    """What a comparison comes to, as a sentence of Markdown."""
    facts = {"run": plain(names[one.run]), "reference": plain(names[view.reference])}
    if p_value is None or one.difference is None:
        return text(
            "compare.not_measured", run=facts["run"], reason=plain(retold(one.reason or ""))
        )
    points = figure(abs(100 * one.difference), 1)
    if p_value >= CHANCE:
        return text("compare.may_be_chance", points=points, **facts)
    return text(f"compare.{'better' if one.difference > 0 else 'worse'}", points=points, **facts)


def _row(one: PairedRun, p_value: float | None, names: Mapping[str, str]) -> dict[str, object]:
    known = one.difference is not None
    difference = (
        text(
            "compare.ends",
            value=signed(100 * (one.difference or 0.0)),
            low=signed(100 * (one.low or 0.0)),
            high=signed(100 * (one.high or 0.0)),
        )
        if known
        else NOTHING
    )
    return {
        text("compare.run"): names[one.run],
        text("figure.accuracy"): percent(one.accuracy),
        text("chart.difference"): difference,
        text("compare.p_value"): _written(p_value),
        text("compare.only_run"): str(one.only_run) if known else NOTHING,
        text("compare.only_reference"): str(one.only_reference) if known else NOTHING,
    }


def _written(p_value: float | None) -> str:
    """A p-value is never nothing, however small."""
    if p_value is None or p_value >= LEAST_TOLD:
        return figure(p_value)
    return f"< {figure(LEAST_TOLD)}"


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values for asking several questions at once; None stays None.

    References:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
        Journal of Statistics 6 (1979).
    """
    known = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    found: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        found[place] = highest
    return found
