"""What every chart shares: palette, frame, and the three forms in which it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from webapp.numerals import separators

# Okabe and Ito (2008), told apart by people with any colour vision; yellow and black are
# left out, because a thin line of them is lost on a light or a dark page.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
GREY = "#7A808A"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross")
SEQUENTIAL = "Cividis"
HEIGHT = 300
MOST_MARKERS = 40
"""Points of a line that are marked; of more, the markers would hide the line."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, told three times from the same numbers.

    Attributes:
        figure: For the eye (a `plotly.graph_objects.Figure`).
        alt: One or two sentences for who cannot see it.
        table: The numbers.
    """

    figure: Any
    alt: str
    table: pd.DataFrame


def framed(
    figure: Any, *, x: str, y: str, height: int = HEIGHT, legend: bool = True, **layout: Any
) -> Any:
    """The figure with axis titles, a quiet frame and its legend below.

    Args:
        figure: A `plotly.graph_objects.Figure`.
        x: Title of the x axis, with its unit.
        y: Title of the y axis, with its unit.
        height: Pixels.
        legend: Whether to show one.
        layout: More of Plotly's layout.

    Returns:
        The same figure.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 12, "b": 64 if legend else 8},
        showlegend=legend,
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0},
        # Constant, so that a refresh keeps the viewer's zoom.
        uirevision="keep",
        hovermode="closest",
        dragmode=False,
        separators=separators(),
        **layout,
    )
    figure.update_xaxes(title={"text": x}, automargin=True, zeroline=False)
    figure.update_yaxes(title={"text": y}, automargin=True, zeroline=False)
    return figure


def ink_on(colour: str) -> str:
    """The colour of text on a bar: only the blue of the palette is dark enough for white."""
    return "#FFFFFF" if colour == BLUE else "#10151A"


def style_of(place: int) -> dict[str, str]:
    """Colour, dash and marker of the series at `place`: never told apart by colour alone."""
    # From the seventh on, a colour comes back with another dash and another marker.
    shifted = place + place // len(PALETTE)
    return {
        "color": PALETTE[place % len(PALETTE)],
        "dash": DASHES[shifted % len(DASHES)],
        "symbol": MARKERS[shifted % len(MARKERS)],
    }


def line(name: str, x: list[Any], y: list[Any], place: int, **more: Any) -> Any:
    """A line with markers in the style of its place."""
    style = style_of(place)
    return go.Scatter(
        name=name,
        x=x,
        y=y,
        mode="lines+markers" if len(x) <= MOST_MARKERS else "lines",
        line={"color": style["color"], "dash": style["dash"], "width": 2.5},
        marker={"symbol": style["symbol"], "size": 8},
        **more,
    )
