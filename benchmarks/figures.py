"""Repeated measurements and the table and file that they end in."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing.

    Attributes:
        name: What it is, as a word for the file: `ours_seconds`.
        meaning: What it is, in words for the table.
        values: One value a repetition.
        unit: Of the values; empty for a ratio.
    """

    name: str
    meaning: str
    values: tuple[float, ...]
    unit: str = ""

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """Smallest and largest value."""
        return f"{min(self.values):.3g} to {max(self.values):.3g}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        name: The benchmark's name.
        figures: In the order of the table.
        settings: What was done, so that it can be done again.
        layout: The figures as a table of several columns; empty where a line each will do.
    """

    name: str
    figures: Sequence[Figure]
    settings: Mapping[str, Any] = field(default_factory=dict)
    layout: str = ""

    def table(self) -> str:
        """The figures as lines of text, or in their own layout."""
        lines = [f"{self.name}: " + ", ".join(f"{k} {v}" for k, v in self.settings.items())]
        if self.layout:
            return "\n\n".join([*lines, self.layout])
        width = max(len(figure.meaning) for figure in self.figures)
        for figure in self.figures:
            value = f"{figure.median:10.3g} {figure.unit:<4}"
            lines.append(f"  {figure.meaning:<{width}} {value} ({figure.spread})")
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Writes `{"name", "figures", "settings"}` as JSON, medians under the figures' names."""
        document = {
            "name": self.name,
            "figures": {figure.name: figure.median for figure in self.figures},
            "settings": {**self.settings, **machine()},
        }
        path.write_text(json.dumps(document, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cores": os.cpu_count(), "system": platform.system(), "arch": platform.machine()}


def ratio(name: str, meaning: str, ours: Figure, other: Figure) -> Figure:
    """Ours over the other, repetition by repetition, so that slow minutes cancel out."""
    pairs = zip(ours.values, other.values, strict=True)
    return Figure(name, meaning, tuple(own / theirs for own, theirs in pairs))
