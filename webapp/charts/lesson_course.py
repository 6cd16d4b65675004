"""The course of a lesson: who has what, and loss and accuracy over the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from webapp.charts.boundaries import site_name
from webapp.charts.figure import BLUE, SEQUENTIAL, SKY, Chart, framed, line
from webapp.lesson.federation import State, world
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.texts import text
from webapp.words import (
    figure as written,
)
from webapp.words import (
    percent,
    sentences,
    whole,
)


def class_names(lesson: Lesson) -> tuple[str, ...]:
    """The classes of a lesson for people."""
    if lesson.task == "points":
        return (text("lesson.first_class"), text("lesson.second_class"))
    return world(lesson).data.classes


def label_map(held: np.ndarray, classes: tuple[str, ...], hostile: int | None) -> Chart:
    """How many examples of each class each site has, as a heat map with the counts in it.

    Args:
        held: Examples by site and class, int (sites, classes).
        classes: Their names.
        hostile: Place of the site that means harm, if any.
    """
    names = [site_name(site, hostile) for site in range(len(held))]
    drawn = go.Figure(
        go.Heatmap(
            x=list(classes),
            y=names,
            z=held,
            colorscale=SEQUENTIAL,
            texttemplate="%{z}",
            showscale=False,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        )
    )
    framed(drawn, x=text("lesson.class_axis"), y="", height=90 + 30 * len(names), legend=False)
    drawn.update_xaxes(type="category")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    totals = held.sum(1)
    missing = int((held == 0).any(1).sum())
    said = text(
        "lesson.held" if missing else "lesson.held_all",
        low=whole(int(totals.min())),
        high=whole(int(totals.max())),
        missing=missing,
        sites=len(held),
    )
    table = pd.DataFrame(held, columns=list(classes))
    table.insert(0, text("chart.site"), names)
    return Chart(drawn, said, table)


def loss_band(states: list[State]) -> Chart:
    """The loss of the global model over the rounds, in the band of the sites' own models.

    Args:
        states: The course so far, the first before any round.
    """
    rounds = [state.round for state in states]
    own = [[loss for loss, _ in state.site_measured.values()] for state in states]
    told = [number for number, losses in zip(rounds, own, strict=True) if losses]
    drawn = go.Figure()
    drawn.add_trace(_edge(told, [max(losses) for losses in own if losses], None, ""))
    drawn.add_trace(
        _edge(told, [min(losses) for losses in own if losses], "tonexty", text("lesson.band"))
    )
    losses = [state.measured[0] for state in states]
    drawn.add_trace(line(text("lesson.global"), rounds, losses, 0))
    framed(drawn, x=text("chart.round_axis"), y=text("chart.loss_axis"))
    drawn.update_xaxes(range=[-0.5, ROUNDS + 0.5])
    drawn.update_yaxes(rangemode="tozero")
    said = text("lesson.loss", first=written(losses[0]), last=written(losses[-1]), round=rounds[-1])
    table = pd.DataFrame(
        {
            text("chart.round"): rounds,
            text("lesson.global"): losses,
            text("lesson.lowest"): [min(found, default=None) for found in own],
            text("lesson.highest"): [max(found, default=None) for found in own],
        }
    )
    return Chart(drawn, said, table)


def accuracies(courses: Mapping[str, list[State]], guess: float | None = None) -> Chart:
    """The accuracy of the global models of one federation or of several, over the rounds.

    Args:
        courses: By the federation's name, each from before any round.
        guess: What was predicted for the last round, 0 to 1, if anything was.
    """
    drawn, tables = go.Figure(), []
    for place, (name, states) in enumerate(courses.items()):
        rounds = [state.round for state in states]
        shares = [state.measured[1] for state in states]
        drawn.add_trace(line(name, rounds, shares, place))
        columns = {text("chart.round"): rounds, text("lesson.accuracy_axis"): shares}
        tables.append(pd.DataFrame({text("lesson.federation"): name, **columns}))
    if guess is not None:
        drawn.add_trace(_guess(guess))
    framed(drawn, x=text("chart.round_axis"), y=text("lesson.accuracy_axis"))
    drawn.update_xaxes(range=[-0.5, ROUNDS + 0.5])
    drawn.update_yaxes(range=[0, 1.02], tickformat=".0%")
    said = sentences(*(_gone(name, states) for name, states in courses.items()))
    return Chart(drawn, said, pd.concat(tables, ignore_index=True))


def _gone(name: str, states: list[State]) -> str:
    return text(
        "lesson.accuracies",
        name=name,
        first=percent(states[0].measured[1]),
        last=percent(states[-1].measured[1]),
        round=states[-1].round,
    )


def _edge(rounds: list[int], losses: list[float], fill: str | None, name: str) -> Any:
    return go.Scatter(
        name=name,
        x=rounds,
        y=losses,
        mode="lines",
        line={"color": SKY, "width": 1},
        fill=fill,
        fillcolor="rgba(86,180,233,0.25)",
        showlegend=bool(name),
        hoverinfo="skip",
    )


def _guess(share: float) -> Any:
    return go.Scatter(
        name=text("lesson.your_guess"),
        x=[ROUNDS],
        y=[share],
        mode="markers",
        marker={"symbol": "star-diamond", "size": 16, "color": BLUE},
        cliponaxis=False,
    )
