"""What an import has seen so far, counted as it goes; what it remembers is bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from child.upload_outcomes import Outcome
from federated.errors import cut, plain
from federated.views.imports import ImportRefusal

EXAMPLES = 5
"""Names that are told for one reason."""
REASONS = 50
"""Reasons that are told apart."""
OTHER = "other reasons"
LONGEST = 300
"""Characters of a reason or a name."""


@dataclass(slots=True)
class Tally:
    """Counts of one import.

    Attributes:
        looked: Files that were looked at.
        counts: New pictures by class.
        unlabelled: New pictures without one.
        duplicates: Pictures that were here already.
        refused: Files by reason.
        examples: Names by reason.
    """

    looked: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def take(self, outcome: Outcome, label: str | None) -> None:
        """Counts what became of a picture."""
        view = outcome.view
        if view.status == "refused":
            self.refuse(view.name, view.detail)
            return
        self.looked += 1
        if view.status == "duplicate":
            self.duplicates += 1
        elif label is None:
            self.unlabelled += 1
        else:
            self.counts[label] += 1

    def refuse(self, name: str, reason: str) -> None:
        """Counts a file that was not taken."""
        self.looked += 1
        # A hostile source would bring a reason of its own with each file.
        kept = cut(plain(reason.replace(name, "…")), LONGEST)
        if kept not in self.refused and len(self.refused) >= REASONS:
            kept = OTHER
        self.refused[kept] += 1
        names = self.examples.setdefault(kept, [])
        if len(names) < EXAMPLES:
            names.append(cut(plain(name), LONGEST))

    def refusals(self) -> tuple[ImportRefusal, ...]:
        """Why files were refused, the most frequent reason first."""
        return tuple(
            ImportRefusal(reason=reason, count=count, examples=tuple(self.examples[reason]))
            for reason, count in sorted(self.refused.items(), key=lambda one: (-one[1], one[0]))
        )
