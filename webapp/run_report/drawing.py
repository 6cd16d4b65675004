"""A chart of lines and bars as SVG: no browser and no other program is needed to draw it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from webapp.charts import Chart
from webapp.charts.figure import SKY
from webapp.words import small

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 44
LEGEND_LINE = 18
INK, GRID = "#3A424D", "#DDE1E6"
DASHES = {
    "dash": "8 5",
    "dot": "2 4",
    "dashdot": "8 4 2 4",
    "longdash": "13 6",
    "longdashdot": "13 5 2 5",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels along one axis."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Round values between the ends, about six."""
        rough = (self.high - self.low or 1.0) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]


def drawn_as_svg(chart: Chart) -> str:
    """The chart with its axes, its legend below and its sentence as the description.

    Args:
        chart: Of scatter and bar traces over linear axes.
    """
    figure = chart.figure.to_dict()
    layout, traces = figure["layout"], [t for t in figure["data"] if _values(t)]
    x, y = _scales(layout, traces)
    named = [t for t in traces if t.get("name")]
    height = HEIGHT + LEGEND_LINE * len(named)
    parts = [*_axes(layout, x, y)]
    for trace in traces:
        parts += _bars(trace, x, y) if trace["type"] == "bar" else _curve(trace, x, y)
    parts += _legend(named)
    head = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg"'
    return f"{head}><desc>{escape(chart.alt)}</desc>{''.join(parts)}</svg>"


def _values(trace: dict[str, Any]) -> bool:
    return any(value is not None for value in trace.get("y") or ())


def _scales(layout: dict[str, Any], traces: Sequence[dict[str, Any]]) -> tuple[Scale, Scale]:
    xs = [v for t in traces for v in t["x"] if v is not None]
    ys = [v for t in traces for v in t["y"] if v is not None and not math.isnan(v)]
    across = layout["xaxis"].get("range") or (min(xs, default=0), max(xs, default=1))
    lowest = 0.0 if layout["yaxis"].get("rangemode") == "tozero" else min(ys, default=0)
    up = layout["yaxis"].get("range") or (lowest, max(ys, default=1) * 1.04)
    x = Scale(float(across[0]), float(across[1]), LEFT, WIDTH - RIGHT)
    return x, Scale(float(up[0]), float(up[1]), HEIGHT - BOTTOM, TOP)


def _axes(layout: dict[str, Any], x: Scale, y: Scale) -> Iterator[str]:
    for tick in y.ticks():
        at = y(tick)
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"'
        yield f'<line {ends} stroke="{GRID}"/>'
        yield _text(LEFT - 8, at + 4, small(tick), "end")
    for tick in x.ticks():
        yield _text(x(tick), HEIGHT - BOTTOM + 18, small(tick), "middle")
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, HEIGHT - 6, _title(layout["xaxis"]), "middle")
    up = (TOP + HEIGHT - BOTTOM) / 2
    turned = f' transform="rotate(-90 14 {up:.0f})"'
    yield _text(14, up, _title(layout["yaxis"]), "middle", turned)


def _title(axis: dict[str, Any]) -> str:
    return str((axis.get("title") or {}).get("text", ""))


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="13" fill="{INK}"{more}'
    return f"<text {place}>{escape(words)}</text>"


def _curve(trace: dict[str, Any], x: Scale, y: Scale) -> Iterator[str]:
    """The line of a trace, broken where it has gaps, and its markers."""
    for piece in _pieces(trace["x"], trace["y"]):
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in piece)
        if trace.get("fill") == "toself":
            paint = f'fill="{SKY}" fill-opacity="0.22"'
            yield f'<polygon points="{points}" {_stroke(trace)} {paint}/>'
        elif "lines" in trace.get("mode", ""):
            yield f'<polyline points="{points}" {_stroke(trace)} fill="none"/>'
        if "markers" in trace.get("mode", ""):
            for a, b in piece:
                yield f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3.5" fill="{_colour(trace)}"/>'


def _pieces(xs: Sequence[Any], ys: Sequence[Any]) -> Iterator[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for a, b in zip(xs, ys, strict=True):
        if a is None or b is None or math.isnan(b):
            if piece:
                yield piece
            piece = []
        else:
            piece.append((float(a), float(b)))
    if piece:
        yield piece


def _bars(trace: dict[str, Any], x: Scale, y: Scale) -> Iterator[str]:
    for a, b, width in zip(trace["x"], trace["y"], trace["width"], strict=True):
        left, right, top = x(a - width / 2), x(a + width / 2), y(b)
        size = f'width="{right - left:.1f}" height="{max(y(y.low) - top, 0):.1f}"'
        paint = f'fill="{_colour(trace)}" fill-opacity="0.45"'
        yield f'<rect x="{left:.1f}" y="{top:.1f}" {size} {paint}/>'


def _colour(trace: dict[str, Any]) -> str:
    line, marker = trace.get("line") or {}, trace.get("marker") or {}
    return escape(str(line.get("color") or marker.get("color") or INK), quote=True)


def _stroke(trace: dict[str, Any]) -> str:
    line = trace.get("line") or {}
    dash = DASHES.get(line.get("dash", ""), "")
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{_colour(trace)}" stroke-width="{line.get("width", 2)}"{dashed}'


def _legend(traces: Sequence[dict[str, Any]]) -> Iterator[str]:
    for place, trace in enumerate(traces):
        at = HEIGHT + LEGEND_LINE * place + 8
        yield f'<line x1="{LEFT}" x2="{LEFT + 36}" y1="{at}" y2="{at}" {_stroke(trace)}/>'
        yield _text(LEFT + 46, at + 4, str(trace["name"]), "start")
