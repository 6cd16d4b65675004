"""The trials of a search as lines across one axis for each hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from federated.search import SearchSpace
from federated.views import SearchView, TrialView
from webapp.charts.figure import SEQUENTIAL, Chart
from webapp.texts import text
from webapp.words import percent, small

MOST_TICKS = 6
"""Places of a logarithmic axis that are written beside it."""

HEIGHT = 380


def search_chart(view: SearchView) -> Chart | None:
    """Parallel coordinates: a line for each trial that was measured, coloured by its accuracy.

    Args:
        view: The search of a run.

    Returns:
        The chart; None as long as no trial is measured.
    """
    done = [one for one in view.trials if one.score is not None]
    if not done:
        return None
    scores = [100 * (one.score or 0.0) for one in done]
    space = view.search.space
    axes = [_axis(space, name, [one.parameters.get(name) for one in done]) for name in space.names]
    accuracy = {"label": text("search.accuracy_axis"), "values": scores, "range": _range(scores)}
    low, high = _range(scores)
    drawn = go.Figure(
        go.Parcoords(
            dimensions=[*axes, accuracy],
            line={
                "color": scores,
                "colorscale": SEQUENTIAL,
                "cmin": low,
                "cmax": high,
            },
            labelangle=-20,
            labelside="bottom",
            # The ends stand among the ticks; a second time they would lie over the names.
            rangefont={"color": "rgba(0,0,0,0)", "size": 1},
        )
    )
    drawn.update_layout(
        height=HEIGHT,
        margin={"l": 56, "r": 44, "t": 24, "b": 72},
        uirevision="keep",
    )
    return Chart(drawn, _sentence(done, space), _table(done, space))


def name_of(parameter: str) -> str:
    """A hyperparameter in words."""
    return text(f"search.{parameter}")


def written(value: object) -> str:
    """A hyperparameter's value as people read it."""
    return small(value) if isinstance(value, float) else str(value)


def _axis(space: SearchSpace, name: str, values: Sequence[Any]) -> dict[str, Any]:
    """One axis: a logarithmic one for the learning rate, even places for choices."""
    if name in space.choices:
        choices = list(space.choices[name])
        return {
            "label": name_of(name),
            "values": [choices.index(value) if value in choices else 0 for value in values],
            "range": [-0.3, len(choices) - 0.7],
            "tickvals": list(range(len(choices))),
            "ticktext": [str(choice) for choice in choices],
        }
    low, high = space.ranges[name]
    if name != "learning_rate":
        return {"label": name_of(name), "values": list(values), "range": [low, high]}
    ticks = _log_ticks(low, high)
    return {
        "label": name_of(name),
        "values": [math.log10(value) for value in values],
        "range": [math.log10(low), math.log10(high)],
        "tickvals": [math.log10(tick) for tick in ticks],
        "ticktext": [small(tick) for tick in ticks],
    }


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
    told = "; ".join(f"{name_of(name)} {_where(name, better, space)}" for name in space.names)
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
