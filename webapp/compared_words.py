"""Runs beside one another, in words: what each is called, and the settings that they differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from federated.views import ComparedRun
from webapp.texts import text, texts
from webapp.words import (
    short,
    small,
    within,
)

SETTINGS_NAMED = 3
"""Settings that the name of a run tells at most; all stand in the table."""

RULE = "strategy.name"

BY_THEMSELVES = ("model.name", RULE)
"""Settings whose values say what they are."""


def names_of(runs: Sequence[ComparedRun], settings: Sequence[str]) -> dict[str, str]:
    """What each run is called, by its id: by the first settings that tell it from the others."""
    telling = _telling(runs, settings)
    return {
        run.id: " · ".join(
            [*([_brief(run.differs, path) for path in telling] or [run.model]), short(run.id)]
        )
        for run in runs
    }


def setting_name(path: str) -> str:
    """A setting as the form of a new run calls it; one that has no field there, as its path."""
    name = path.replace(".", "_")
    return text(f"setting.{name}") if f"setting.{name}" in texts() else path


def setting_value(value: object, path: str = "") -> str:
    """A setting's value as people read it; one of several choices as the form calls it."""
    if value is None:
        return text("compare.unset")
    if isinstance(value, bool):
        return text("compare.yes" if value else "compare.no")
    if isinstance(value, float):
        return small(value)
    keys = (f"option.{path.replace('.', '_')}_{value}", f"rule.{value}" if path == RULE else "")
    return next((text(key) for key in keys if key in texts()), str(value))


def _telling(runs: Sequence[ComparedRun], settings: Sequence[str]) -> list[str]:
    """Settings of which each tells some run from another that those before it do not."""
    telling: list[str] = []
    for path in settings:
        if len(telling) < SETTINGS_NAMED and _kinds(runs, [*telling, path]) > _kinds(runs, telling):
            telling.append(path)
    return telling


def _kinds(runs: Sequence[ComparedRun], settings: Sequence[str]) -> int:
    return len({tuple(setting_value(run.differs.get(path)) for path in settings) for run in runs})


def _brief(differs: Mapping[str, object], path: str) -> str:
    value = setting_value(differs.get(path), path)
    if path in BY_THEMSELVES:
        return value
    named = setting_name(path)
    name = path.rpartition(".")[2].replace("_", " ") if named == path else named
    return f"{within(name)} {value}"
