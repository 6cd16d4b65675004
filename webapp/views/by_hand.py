"""Federated averaging by hand: three sites, one weight each, and the mean as arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from webapp.charts import average_line
from webapp.desk import Desk
from webapp.layout import opening, section, show, table
from webapp.lesson.by_hand import average
from webapp.numerals import localised
from webapp.texts import text
from webapp.words import figure, percent

STARTS = {"A": (30, 0.6), "B": (90, -0.2), "C": (180, 0.3)}


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("by_hand")
    section("by_hand.sites")
    sites = _sliders()
    result = average(sites)
    plain = sum(value for _, value in sites.values()) / len(sites)
    section("by_hand.mean")
    st.latex(arithmetic(sites, result.mean))
    show(average_line(sites, result.mean, plain), "by-hand")
    table(
        [
            {
                text("chart.site"): name,
                text("chart.examples"): str(examples),
                text("by_hand.share"): percent(result.shares[name]),
                text("by_hand.weight"): figure(value),
                text("by_hand.part"): figure(result.shares[name] * value),
            }
            for name, (examples, value) in sites.items()
        ],
        text("by_hand.table"),
    )
    st.markdown(text("by_hand.lesson", mean=figure(result.mean), plain=figure(plain)))


def _sliders() -> dict[str, tuple[int, float]]:
    sites: dict[str, tuple[int, float]] = {}
    for column, (letter, (examples, value)) in zip(st.columns(3), STARTS.items(), strict=True):
        with column, st.container(border=True):
            name = text("by_hand.site", letter=letter)
            st.subheader(name, anchor=False)
            count = st.slider(
                text("by_hand.examples"),
                1,
                200,
                examples,
                key=f"n{letter}",
                bind="query-params",
            )
            weight = st.slider(
                text("by_hand.weight"),
                -1.0,
                1.0,
                value,
                0.05,
                key=f"w{letter}",
                bind="query-params",
            )
            sites[name] = (int(count), float(weight))
    return sites


def arithmetic(sites: Mapping[str, tuple[int, float]], mean: float) -> str:
    """The weighted mean as a formula (LaTeX), with the numbers filled in."""
    above = " + ".join(f"{examples} \\cdot {_factor(value)}" for examples, value in sites.values())
    below = " + ".join(str(examples) for examples, _ in sites.values())
    return rf"w = \frac{{{above}}}{{{below}}} = {_in_formula(figure(mean))}"


def _factor(value: float) -> str:
    written = _in_formula(localised(f"{value:g}"))
    return f"({written})" if value < 0 else written


def _in_formula(number: str) -> str:
    """A number as LaTeX takes it: a decimal comma is not to part it."""
    return number.replace(",", "{,}").replace("\u2212", "-")
