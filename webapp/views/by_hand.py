"""Federated averaging by hand: three sites, one weight each, and the mean as arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from federated.signature import Signature, TensorSpec
from federated.strategies import Contribution, RoundFacts
from federated.strategies.fedavg import fedavg
from webapp.charts import average_line
from webapp.desk import Desk
from webapp.layout import opening, section, show, table
from webapp.texts import text
from webapp.words import figure, percent

STARTS = {"A": (30, 0.6), "B": (90, -0.2), "C": (180, 0.3)}
WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class OneWeight:
    """The smallest model there is: one number."""

    value: float

    def keys(self) -> list[str]:
        """The name of its only tensor."""
        return [WEIGHT]

    def get_tensor(self, name: str) -> np.ndarray:
        """Its value as a float64 array of one element."""
        return np.array([self.value])


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the average makes of the sites.

    Attributes:
        mean: The new global weight.
        shares: The weight of each site in the mean; they sum to 1.
    """

    mean: float
    shares: Mapping[str, float]


def average(sites: Mapping[str, tuple[int, float]]) -> ByHand:
    """One round of federated averaging, by the very function that the master uses.

    Args:
        sites: By name: number of examples (at least 1), and the value of the weight.
    """
    spec = TensorSpec(name=WEIGHT, shape=(1,), dtype="float64")
    contributions = tuple(
        Contribution(node=name, num_examples=examples, num_steps=1, weights=OneWeight(value))
        for name, (examples, value) in sites.items()
    )
    outcome = fedavg(RoundFacts(1, Signature(tensors=(spec,)), OneWeight(0.0), contributions))
    return ByHand(float(outcome.weights[WEIGHT][0]), outcome.shares)


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("by_hand")
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
    above = " + ".join(
        f"{examples} \\cdot {f'({value:g})' if value < 0 else f'{value:g}'}"
        for examples, value in sites.values()
    )
    below = " + ".join(str(examples) for examples, _ in sites.values())
    return rf"w = \frac{{{above}}}{{{below}}} = {mean:.3f}"
