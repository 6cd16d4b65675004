"""A round under way, site by site: when each fetched, trained, and was heard of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from federated.views import Event, RoundView, TaskView
from webapp.charts.figure import BLUE, GREEN, GREY, ORANGE, SKY, VERMILION, Chart, framed
from webapp.texts import text
from webapp.words import (
    commas,
    span,
    whole,
)

PHASES: Mapping[str, tuple[str, str]] = {
    "queued": (GREY, "."),
    "leased": (SKY, "/"),
    "training": (BLUE, ""),
    "submitted": (ORANGE, "x"),
    "accepted": (GREEN, ""),
    "gone": (VERMILION, "\\"),
}
"""Colour and pattern of each phase: never told apart by colour alone."""

ENDS = ("accepted", "rejected", "late", "expired", "failed", "cancelled")
MOST = 16
"""Sites that a chart has room for; of more, those that take longest."""

Span = tuple[str, str, float, float]
"""Site, phase, and from when to when, in seconds since the round was opened."""


def round_timeline(round_: RoundView, events: Iterable[Event], now: float) -> Chart:
    """The phases of a round's tasks.

    Args:
        round_: The round; it has a task at least.
        events: Those of the round that are at hand, in any order.
        now: The time in seconds since the epoch.
    """
    moments = _moments(events)
    spans: list[Span] = []
    longest = sorted(round_.tasks, key=lambda task: (task.state in ENDS, -task.changed_at))[:MOST]
    for task in sorted(longest, key=lambda task: task.node_name, reverse=True):
        spans += _phases(task, moments.get(task.id, {}), round_.opened_at, now)
    drawn = go.Figure()
    for phase, (colour, pattern) in PHASES.items():
        some = [one for one in spans if one[1] == phase]
        if some:
            drawn.add_trace(_bars(phase, some, colour, pattern))
    height = 140 + 22 * len({name for name, *_ in spans})
    framed(drawn, x=text("chart.since_opened"), y="", height=height, barmode="overlay", bargap=0.35)
    columns = [text(f"chart.{name}") for name in ("site", "phase", "from", "to")]
    rows = [(name, text(f"phase.{p}"), round(a, 1), round(b, 1)) for name, p, a, b in spans]
    return Chart(
        drawn, _alt(round_.tasks, now - round_.opened_at), pd.DataFrame(rows, columns=columns)
    )


def _moments(events: Iterable[Event]) -> dict[str, dict[str, float]]:
    """When each task came to each state, by the task's id."""
    found: dict[str, dict[str, float]] = {}
    for event in events:
        if event.kind.startswith("task_") and "task" in event.data:
            known = found.setdefault(str(event.data["task"]), {})
            known[event.kind.removeprefix("task_")] = event.at
    return found


def _phases(task: TaskView, moments: Mapping[str, float], opened: float, now: float) -> list[Span]:
    state = str(task.state)
    times = {"queued": task.created_at, state: task.changed_at} | dict(moments)
    ordered = sorted(times.items(), key=lambda entry: entry[1])
    ends = task.changed_at if state in ENDS else now
    # What has ended is shown by a last short piece.
    ordered.append(
        ("", max(ends, ordered[-1][1]) + (0.02 * (now - opened) if state in ENDS else 0))
    )
    return [
        (task.node_name, _phase(name), start - opened, max(stop - opened, start - opened))
        for (name, start), (_, stop) in pairwise(ordered)
    ]


def _phase(state: str) -> str:
    return state if state in PHASES else "gone"


def _bars(phase: str, spans: Sequence[Span], colour: str, pattern: str) -> go.Bar:
    return go.Bar(
        name=text(f"phase.{phase}"),
        # Plotly makes something of tags in a label.
        y=[escape(name) for name, *_ in spans],
        base=[start for _, _, start, _ in spans],
        x=[stop - start for _, _, start, stop in spans],
        orientation="h",
        marker={
            "color": colour,
            "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": "#FFFFFF"},
        },
        hovertemplate=text("chart.timeline_hover"),
    )


def _alt(tasks: Sequence[TaskView], passed: float) -> str:
    counts: dict[str, int] = {}
    for task in tasks:
        phase = _phase(str(task.state))
        counts[phase] = counts.get(phase, 0) + 1
    told = commas(
        text("chart.in_phase", phase=text(f"phase.{phase}"), count=whole(counts[phase]))
        for phase in PHASES
        if phase in counts
    )
    return text("chart.timeline", span=span(passed), told=told)
