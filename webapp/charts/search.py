"""The trials of a search as lines across one axis for each hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from federated.search import SearchSpace
from federated.views import SearchView, TrialView
from webapp.charts.figure import BLUE, GREY, ORANGE, Chart
from webapp.texts import text
from webapp.words import (
    percent,
    semicolons,
    small,
)

MOST_TICKS = 6
"""Places of a logarithmic axis that are written beside it."""

HEIGHT = 420


@dataclass(frozen=True, slots=True)
class Axis:
    """One of the parallel axes.

    Attributes:
        label: Its name.
        positions: Where each trial crosses it, 0 to 1; None where a trial has no value.
        told: The value of each trial, as people read it.
        ticks: Positions that are written beside it.
    """

    label: str
    positions: list[float | None]
    told: list[str]
    ticks: list[tuple[float, str]]


def search_chart(view: SearchView) -> Chart | None:
    """Parallel coordinates: a line for each trial that was measured, coloured by its accuracy.

    Drawn of plain lines: Plotly's own parallel coordinates need WebGL, which many a hospital's
    computer does not offer.

    Args:
        view: The search of a run.

    Returns:
        The chart; None as long as no trial is measured.
    """
    done = [one for one in view.trials if one.score is not None]
    if not done:
        return None
    space = view.search.space
    axes = [_axis(space, name, [one.parameters.get(name) for one in done]) for name in space.names]
    axes.append(_accuracy([100 * (one.score or 0.0) for one in done]))
    drawn = go.Figure(_lines(axes, done))
    for place, axis in enumerate(axes):
        _draw_axis(drawn, place, axis)
    drawn.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 96, "b": 24},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        uirevision="keep",
    )
    drawn.update_xaxes(visible=False, range=[-0.45, len(axes) - 0.45], fixedrange=True)
    drawn.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    return Chart(drawn, _sentence(done, space), _table(done, space))


def _lines(axes: Sequence[Axis], done: Sequence[TrialView]) -> list[go.Scatter]:
    """The better a trial, the wider and bluer its line; the best is drawn last."""
    ranks = sorted(range(len(done)), key=lambda place: done[place].score or 0.0)
    scale = axes[-1].positions
    return [
        go.Scatter(
            name=text("search.trial_named", trial=done[place].number),
            x=list(range(len(axes))),
            y=[axis.positions[place] for axis in axes],
            mode="lines+markers",
            line={"color": _colour(scale[place]), "width": 1.5 + 2.5 * (scale[place] or 0.0)},
            marker={"size": 7},
            text=[axis.told[place] for axis in axes],
            hovertemplate="%{text}",
        )
        for place in ranks
    ]


def _colour(share: float | None) -> str:
    """Three steps, each read on a light and on a dark page; a scale that ends in yellow is not."""
    return (ORANGE, GREY, BLUE)[min(2, int(3 * (share or 0.0)))]


def _draw_axis(drawn: go.Figure, place: int, axis: Axis) -> None:
    drawn.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": GREY, "width": 1})
    drawn.add_annotation(
        x=place,
        y=1.06,
        text=_broken(axis.label),
        yanchor="bottom",
        # Every second one higher, so that long names keep apart on a phone.
        yshift=34 * (place % 2),
        showarrow=False,
        font={"size": 14},
    )
    for position, told in axis.ticks:
        drawn.add_annotation(
            x=place,
            y=position,
            text=told,
            xanchor="left",
            xshift=8,
            showarrow=False,
            # A ground of its own, as lines run below it on a light and on a dark page.
            bgcolor="#F3F1EC",
            borderpad=2,
            opacity=0.9,
            font={"size": 13, "color": "#10151A"},
        )


def _broken(label: str) -> str:
    """A label on two lines, so that its neighbours keep their room."""
    return label.replace(" ", "<br>", 1)


def name_of(parameter: str) -> str:
    """A hyperparameter in words."""
    return text(f"search.{parameter}")


def written(value: object) -> str:
    """A hyperparameter's value as people read it."""
    return small(value) if isinstance(value, float) else str(value)


def _axis(space: SearchSpace, name: str, values: Sequence[Any]) -> Axis:
    """One axis: a logarithmic one for the learning rate, even places for choices."""
    told = [written(value) if value is not None else "" for value in values]
    if name in space.choices:
        choices = list(space.choices[name])
        last = max(len(choices) - 1, 1)
        places = [choices.index(v) / last if v in choices else None for v in values]
        ticks = [(place / last, str(choice)) for place, choice in enumerate(choices)]
        return Axis(name_of(name), places, told, ticks)
    low, high = space.ranges[name]
    if name != "learning_rate":
        ends = [(0.0, written(low)), (1.0, written(high))]
        return Axis(name_of(name), [_between(v, low, high) for v in values], told, ends)
    ends = [
        (_between(math.log10(tick), math.log10(low), math.log10(high)) or 0.0, small(tick))
        for tick in _log_ticks(low, high)
    ]
    places = [_between(v and math.log10(v), math.log10(low), math.log10(high)) for v in values]
    return Axis(name_of(name), places, told, ends)


def _accuracy(scores: Sequence[float]) -> Axis:
    low, high = _range(scores)
    ticks = [(share, small(low + share * (high - low))) for share in (0.0, 0.5, 1.0)]
    places = [_between(score, low, high) for score in scores]
    return Axis(text("search.accuracy_axis"), places, [small(score) for score in scores], ticks)


def _between(value: float | None, low: float, high: float) -> float | None:
    """Where a value lies between two ends, 0 to 1."""
    return None if value is None else (value - low) / ((high - low) or 1.0)


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between the ends, and the ends where no power is close."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    powers = [10.0**power for power in range(first, last + 1)][:MOST_TICKS]
    ends = [end for end in (low, high) if all(abs(math.log10(end / p)) > 0.2 for p in powers)]
    return sorted([*powers, *ends])


def _range(scores: Sequence[float]) -> list[float]:
    """From the least to the greatest, with some room where they are all but equal."""
    low, high = min(scores), max(scores)
    return [low, high] if high - low >= 1 else [low - 0.5, high + 0.5]


def _sentence(done: Sequence[TrialView], space: SearchSpace) -> str:
    """Where the better half of the trials lie, and where all do."""
    ordered = sorted(done, key=lambda one: -(one.lead or 0.0))
    better = ordered[: max(1, len(ordered) // 2)]
    ends = sorted({min(_scores(done)), max(_scores(done))})
    spread = text("search.to").join(percent(end) for end in ends)
    told = semicolons(f"{name_of(name)} {_where(name, better, space)}" for name in space.names)
    return text("search.chart", count=len(done), spread=spread, told=told)


def _scores(done: Sequence[TrialView]) -> list[float]:
    return [one.score or 0.0 for one in done]


def _where(name: str, trials: Sequence[TrialView], space: SearchSpace) -> str:
    values = [one.parameters[name] for one in trials if name in one.parameters]
    if name in space.ranges:
        numbers = [float(value) for value in values]
        return text("search.between", low=small(min(numbers)), high=small(max(numbers)))
    commonest = max(sorted(set(values), key=str), key=values.count)
    return text("search.mostly", value=str(commonest))


def _table(done: Sequence[TrialView], space: SearchSpace) -> pd.DataFrame:
    columns = [text("search.trial"), *map(name_of, space.names), text("search.accuracy_axis")]
    rows = [
        [
            one.number,
            *(one.parameters.get(name) for name in space.names),
            100 * (one.score or 0.0),
        ]
        for one in done
    ]
    return pd.DataFrame(rows, columns=columns)
