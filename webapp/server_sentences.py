"""The sentences of the servers that pages can tell, as patterns with places for what varies.

In a sentence may stand what a stranger has chosen: a file's name, a class, whatever a site says.
So every pattern is matched in one pass, without going back over what it has read.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from webapp.texts import Plural

FOLDER = Path(__file__).parent / "texts" / "servers"

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "format": r"[A-Z][A-Za-z0-9]{1,8}",
        "int": r"\d{1,3}(?:,\d{3}){1,5}|\d{1,18}",
        "name": r"[a-z0-9][a-z0-9_-]{0,63}",
        "num": r"[+-]?(?:\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,4})?|inf|nan)",
        "path": r"[\w.\-]{1,120}",
        "pct": r"-?\d{1,9}(?:\.\d{1,9})?%",
        "shape": r"[\d(][\w(),. ×]{0,80}",
        "word": r"[a-z0-9_]{1,64}",
    }
)
"""What a place of each kind holds; one of another kind, or of none, holds anything."""

_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence of a server.

    Attributes:
        pattern: Matches all of it, without its full stop.
        kinds: Of its places, by name.
        told: By language, in one form or in those that the language has with a number.
    """

    pattern: re.Pattern[str]
    kinds: Mapping[str, str]
    told: Mapping[str, str | Plural]


@functools.cache
def templates() -> Mapping[str, tuple[Template, ...]]:
    """Every sentence by its first word; those that begin with a place under the empty word."""
    found: dict[str, list[tuple[int, Template]]] = {}
    for sentence, told in entries():
        first = first_word(sentence)
        literal = len(_PLACE.sub("", sentence))
        key = "" if "{" in first else first
        found.setdefault(key, []).append((literal, _template(sentence, told)))
    # The more of a sentence is literal, the less it can be mistaken for another.
    return {
        word: tuple(one for _, one in sorted(several, key=lambda pair: -pair[0]))
        for word, several in found.items()
    }


def entries() -> Iterator[tuple[str, Mapping[str, str | Plural]]]:
    """What the servers write, and how it is told, file by file."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8")).items()


def _template(sentence: str, told: Mapping[str, str | Plural]) -> Template:
    kinds = {place[1]: place[2] or "" for place in _PLACE.finditer(sentence)}
    return Template(re.compile(_pattern(sentence)), kinds, told)


def _pattern(sentence: str) -> str:
    """The pattern of a sentence.

    What holds anything reaches to where what follows it stands first, and no further: only the
    last of them is looked for from the end.
    """
    places = [*_PLACE.finditer(sentence)]
    free = [place for place in places if place[2] not in KINDS]
    pattern, at = re.escape(sentence[: places[0].start()] if places else sentence), 0
    for number, place in enumerate(places):
        name, kind = place[1], place[2]
        at = places[number + 1].start() if number + 1 < len(places) else len(sentence)
        behind = re.escape(sentence[place.end() : at])
        if kind in KINDS:
            pattern += f"(?P<{name}>{KINDS[kind]}){behind}"
        elif place is free[-1]:
            pattern += f"(?P<{name}>.+){behind}"
        else:
            pattern += f"(?>(?P<{name}>.+?){behind})"
    return pattern


def first_word(sentence: str) -> str:
    """All before the first blank."""
    return sentence.split(" ", 1)[0]
