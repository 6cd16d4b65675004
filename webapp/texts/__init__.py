"""Every sentence of the web app, by key, from one TOML file a language."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from babel import Locale

from webapp.language import language

FOLDER = Path(__file__).parent
Plural = Mapping[str, str]


@functools.cache
def texts(spoken: str = "en") -> Mapping[str, str | Plural]:
    """All texts of a language as `section.key`; a text with a number in it has its forms."""
    document = tomllib.loads((FOLDER / f"{spoken}.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": value
        for section, entries in document.items()
        for key, value in entries.items()
    }


def text(key: str, **values: object) -> str:
    """The text of that key in the page's language, filled with `values`.

    Args:
        key: `section.key`.
        values: What stands in the text's braces; `count` chooses its plural form.

    Raises:
        KeyError: There is no such text; a test finds it first.
    """
    spoken = language()
    entry = texts(spoken)[key]
    if not isinstance(entry, str):
        entry = entry[plural_form(values.get("count"), spoken)]
    return entry.format(**values) if values else entry


def plural_form(count: object, spoken: str = "en") -> str:
    """The name of the form that a language uses with a number, by the rule that CLDR gives.

    Args:
        count: A whole number, or one as it is written for people.
        spoken: The language.
    """
    digits = re.sub(r"\D", "", str(count))
    return str(Locale.parse(spoken).plural_form(int(digits or 0)))
