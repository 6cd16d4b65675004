"""Every sentence of the web app, by key, from one TOML file a language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
Plural = Mapping[str, str]


@functools.cache
def texts(language: str = "en") -> Mapping[str, str | Plural]:
    """All texts of a language as `section.key`; a text with a number in it has its forms."""
    document = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": value
        for section, entries in document.items()
        for key, value in entries.items()
    }


def text(key: str, **values: object) -> str:
    """The text of that key, filled with `values`; `count` chooses its plural form.

    Raises:
        KeyError: There is no such text; a test finds it first.
    """
    entry = texts()[key]
    if not isinstance(entry, str):
        entry = entry[plural_form(values.get("count"))]
    return entry.format(**values) if values else entry


def plural_form(count: object) -> str:
    """The name of the form that English uses with a number."""
    return "one" if count == 1 else "other"
