"""How far each site goes in a round, and where the global model goes, seen in one plane."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from webapp.charts.boundaries import site_name
from webapp.charts.figure import GREY, Chart, framed, style_of
from webapp.lesson.federation import State
from webapp.lesson.plane import Plane
from webapp.texts import text
from webapp.words import small


def drift(states: list[State], plane: Plane, hostile: int | None) -> Chart:
    """An arrow from the old global model to each site's, and one to the new global model.

    Args:
        states: The course so far, the first before any round.
        plane: In which to look.
        hostile: Place of the site that means harm, if any.
    """
    now = states[-1]
    path = [plane(state.weights) for state in states]
    drawn = go.Figure(_path(path))
    start = plane(now.before)
    lengths: dict[str, float] = {}
    for site, own in now.returned.items():
        name = site_name(site, hostile)
        drawn.add_trace(_arrow(name, start, plane(own), style_of(site + 2), 2))
        lengths[name] = math.dist(start, plane(own))
    if now.round:
        bold = {"color": GREY, "dash": "solid"}
        drawn.add_trace(_arrow(text("lesson.global"), start, path[-1], bold, 5))
        lengths[text("lesson.global")] = math.dist(start, path[-1])
    # Higher for each line of the legend, which stands in one column on a phone.
    height = 320 + 12 * len(now.returned)
    framed(drawn, x=text("lesson.plane_x"), y=text("lesson.plane_y"), height=height)
    # The round is what the chart is about: of the way so far only the last of it is in sight.
    x_range, y_range = _sight([*path[-4:], start, *(plane(own) for own in now.returned.values())])
    drawn.update_xaxes(range=x_range)
    drawn.update_yaxes(range=y_range, scaleanchor="x")
    table = pd.DataFrame(
        [(name, small(length)) for name, length in lengths.items()],
        columns=[text("lesson.model"), text("lesson.length")],
    )
    return Chart(drawn, _sentence(now, lengths), table)


def _sight(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The ranges of both axes that hold these points, with some room around them."""
    ranges = []
    for values in zip(*points, strict=True):
        low, high = min(values), max(values)
        room = 0.12 * (high - low) or 0.5
        ranges.append((low - room, high + room))
    return ranges


def _sentence(now: State, lengths: dict[str, float]) -> str:
    if not now.returned:
        return text("lesson.drift_first")
    *own, together = lengths.values()
    return text(
        "lesson.drift",
        round=now.round,
        low=small(min(own)),
        high=small(max(own)),
        together=small(together),
    )


def _path(path: list[tuple[float, float]]) -> Any:
    return go.Scatter(
        name=text("lesson.path"),
        x=[x for x, _ in path],
        y=[y for _, y in path],
        mode="lines+markers",
        line={"color": GREY, "width": 1, "dash": "dot"},
        marker={"size": 4, "color": GREY},
        hoverinfo="skip",
    )


def _arrow(
    name: str,
    start: tuple[float, float],
    end: tuple[float, float],
    style: dict[str, str],
    width: int,
) -> Any:
    return go.Scatter(
        name=name,
        x=[start[0], end[0]],
        y=[start[1], end[1]],
        mode="lines+markers",
        line={"color": style["color"], "dash": style["dash"], "width": width},
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "size": [0, 11 + 2 * width],
            "color": style["color"],
        },
        hoverinfo="name",
    )
