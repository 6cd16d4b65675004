"""Runs beside one another: in which settings they differ, and which came out best. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federated.plan import Plan, Setting

LARGER_IS_BETTER = ("accuracy", "balanced_accuracy", "auc")
SMALLER_IS_BETTER = ("loss", "seconds", "bytes_per_round")

LONGEST_TEXT = 200
"""Characters of a setting that are shown; a whole model is named by its hash instead."""

Settings = dict[str, Setting | None]


def flattened(plan: Plan) -> Settings:
    """All settings of a plan by their path, such as `training.learning_rate`."""
    return dict(_leaves(plan.model_dump(mode="json"), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Setting | None]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{place}")
    elif isinstance(value, str) and len(value) > LONGEST_TEXT:
        yield path, f"sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    else:
        yield path, value


def differing(all_settings: Sequence[Settings]) -> list[str]:
    """The settings that are not the same in all, in the order of the plan.

    A part that one plan lacks altogether, an early stopping say, shows as the settings that
    the other has, and not a second time as the part itself.
    """
    paths = list(dict.fromkeys(path for settings in all_settings for path in settings))
    # A type of its own besides the value: 1 and True, 1 and 1.0 are different settings.
    differ = [
        path for path in paths if len({repr(settings.get(path)) for settings in all_settings}) > 1
    ]
    return [path for path in differ if not any(other.startswith(f"{path}.") for other in differ)]


def best_of(
    figures: Sequence[Mapping[str, float | None]], ended: Sequence[bool]
) -> list[list[str]]:
    """For each run the columns in which none is better; none where there is nothing to beat.

    Args:
        figures: Each run's figures by column.
        ended: Whether each run has done all that it was to do: what is not finished is not
            quick, nor does it send little.
    """
    best: list[list[str]] = [[] for _ in figures]
    for column in (*LARGER_IS_BETTER, *SMALLER_IS_BETTER):
        costs = column in ("seconds", "bytes_per_round")
        known = {
            place: value
            for place, run in enumerate(figures)
            if (value := run.get(column)) is not None and (ended[place] or not costs)
        }
        if len(known) < 2:
            continue
        top = max(known.values()) if column in LARGER_IS_BETTER else min(known.values())
        for place, value in known.items():
            if value == top:
                best[place].append(column)
    return best
