"""Scenarios that a teacher begins with: each shows one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from webapp.lesson.settings import Lesson


@dataclass(frozen=True, slots=True)
class Preset:
    """A scenario.

    Attributes:
        lesson: Its federation.
        other: In what a second federation beside it differs; empty for one federation alone.
    """

    lesson: Lesson
    other: Mapping[str, Any] = field(default_factory=dict)

    @property
    def beside(self) -> Lesson | None:
        """The second federation."""
        return self.lesson.model_copy(update=dict(self.other)) if self.other else None


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "alike": Preset(Lesson(alpha=100.0)),
        "uneven": Preset(Lesson(alpha=0.15, epochs=5, seed=4)),
        "drift": Preset(
            Lesson(task="digits", sites=8, alpha=0.05, epochs=10), {"strategy": "scaffold"}
        ),
        "hostile": Preset(Lesson(sites=6, alpha=3.0, hostile="flip"), {"strategy": "median"}),
        "noise": Preset(Lesson(task="digits", alpha=3.0), {"noise": 0.3}),
    }
)
"""By name; the sentences about them stand in the texts."""
