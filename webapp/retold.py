"""What the servers say in English, told in the page's language.

The wire speaks English: outsiders read it, and a server knows no reader. The sentences that a
page can show stand in `webapp/texts/servers/*.toml`, each under what the server writes, with
places for what varies (`webapp.server_sentences`). A sentence that matches none of them is shown
as it came.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from webapp.language import language
from webapp.numerals import grouped, in_percent, localised
from webapp.server_sentences import Template, first_word, templates
from webapp.texts import plural_form

LONGEST = 3000
"""Characters of what is looked at; no server writes more of its own."""

DEEPEST = 9
"""Sentences within sentences."""

TOGETHER = 4
"""Sentences, or other parts, that one entry may hold."""

MOST_JOINTS = 12
"""Colons and semicolons behind which a reason is looked for."""

_CODE = re.compile(r"(\.(?= \(\w+\)[;)])|(?<=[.?…])) \([a-z][a-z_]{2,40}\)")
"""The code of a failure behind its sentence: programs read it, and people have the sentence.

In a row of reasons the sentence goes without its full stop.
"""

_ENDED = re.compile(r"(?<=[.?…]) (?=\S)")
_MORE = re.compile(r"\d+ more")
_JOINT = re.compile("[:;] ")
_CHINESE = MappingProxyType({": ": "：", "; ": "；", ", ": "、"})
_SENTENCES = MappingProxyType({"zh": "", "ru": " "})


def retold(sentence: str) -> str:
    """A sentence of a server in the page's language; as it came where nobody knows it.

    Args:
        sentence: One or several, or a phrase, as they came over the wire.
    """
    spoken = language()
    sentence = _CODE.sub("", sentence)
    if spoken == "en" or len(sentence) > LONGEST:
        return sentence
    return _retold(sentence, spoken, DEEPEST).words


@dataclass(frozen=True, slots=True)
class Said:
    """What a sentence came to.

    Attributes:
        words: In the page's language, as far as it is known.
        is_whole: Whether all of it is.
    """

    words: str
    is_whole: bool


@functools.lru_cache(maxsize=8192)
def _retold(sentence: str, spoken: str, depth: int) -> Said:
    """The way to read a sentence that leaves nothing of it untold, else the first there is."""
    partly: Said | None = None
    for read in (_one, _in_parts, _several) if sentence and depth else ():
        said = read(sentence, spoken, depth)
        if said is not None and said.is_whole:
            return said
        partly = partly or said
    return partly or Said(sentence, is_whole=False)


def _one(sentence: str, spoken: str, depth: int) -> Said | None:
    """One sentence, with a full stop or without, whatever letter it begins with."""
    body = sentence.removesuffix(".")
    said = _matched(body, spoken, depth)
    if said is None and body:
        said = _matched(body[0].swapcase() + body[1:], spoken, depth)
        if said is not None and body[0].isupper():
            said = Said(said.words[0].upper() + said.words[1:], said.is_whole)
    if said is None:
        return None
    end = ("。" if spoken == "zh" else ".") if body != sentence else ""
    return Said(said.words + end, said.is_whole)


def _several(sentence: str, spoken: str, depth: int) -> Said | None:
    """Sentences one after another; what is not known among them stays."""
    parts = _ENDED.split(sentence)
    return None if len(parts) < 2 else _series(parts, " ", _SENTENCES[spoken], spoken, depth)


def _series(parts: list[str], cut: str, between: str, spoken: str, depth: int) -> Said | None:
    """Parts one by one; an entry may hold the sign at which they were cut."""
    words, known, is_whole = "", False, True
    while parts:
        for count in range(min(TOGETHER, len(parts)), 0, -1):
            piece = cut.join(parts[:count])
            said = _retold(piece, spoken, depth - 1)
            if said.is_whole:
                break
        del parts[:count]
        known, is_whole = known or said.words != piece, is_whole and said.is_whole
        apart = between if cut != " " else "" if words.endswith("。") else cut
        words += (apart if words else "") + said.words
    return Said(words, is_whole) if known else None


def _in_parts(sentence: str, spoken: str, depth: int) -> Said | None:
    """What is told with its reason behind a colon, or with more behind a semicolon."""
    partly: Said | None = None
    for found in [*_JOINT.finditer(sentence)][:MOST_JOINTS]:
        head = _one(sentence[: found.start()], spoken, depth)
        if head is None:
            continue
        rest = _retold(sentence[found.end() :], spoken, depth - 1)
        said = Said(
            f"{head.words}{_sign(found[0], spoken)}{rest.words}", head.is_whole and rest.is_whole
        )
        if said.is_whole:
            return said
        partly = partly or said
    return partly


def _matched(body: str, spoken: str, depth: int) -> Said | None:
    by_word, partly = templates(), None
    for template in (*by_word.get(first_word(body), ()), *by_word.get("", ())):
        if found := template.pattern.fullmatch(body):
            said = _filled(template, found.groupdict(), spoken, depth)
            if said.is_whole:
                return said
            partly = partly or said
    return partly


def _filled(template: Template, raw: Mapping[str, str], spoken: str, depth: int) -> Said:
    entry = template.told[spoken]
    if not isinstance(entry, str):
        entry = entry[plural_form(raw["count"], spoken)]
    shown = {name: _shown(raw[name], kind, spoken, depth) for name, kind in template.kinds.items()}
    words = entry.format(**{name: said.words for name, said in shown.items()})
    return Said(words, all(said.is_whole for said in shown.values()))


def _shown(value: str, kind: str, spoken: str, depth: int) -> Said:
    """What stands in one place of a sentence; names and whatever else is free count as told."""
    match kind:
        case "told":
            return _retold(value, spoken, depth - 1)
        case "clause":
            said = _retold(value.removesuffix("."), spoken, depth - 1)
            return Said(said.words.removesuffix("。"), said.is_whole)
        case "parts" | "each":
            cut = ", " if kind == "parts" else "; "
            row = _series(value.split(cut), cut, _sign(cut, spoken), spoken, depth)
            return row or Said(value, is_whole=False)
        case "list":
            names = [_name(one, spoken, depth) for one in value.split(", ")]
            return Said(_sign(", ", spoken).join(names), is_whole=True)
        case "int":
            return Said(grouped(int(value.replace(",", ""))), is_whole=True)
        case "num":
            return Said(localised(value.replace("-", "\u2212")), is_whole=True)
        case "pct":
            return Said(in_percent(value[:-1].replace("-", "\u2212")), is_whole=True)
    # What reaches over the end of a sentence is hardly a name.
    return Said(value, is_whole=_ENDED.search(value) is None)


def _name(one: str, spoken: str, depth: int) -> str:
    """A name, which stays, or how many more there are."""
    return _retold(one, spoken, depth - 1).words if _MORE.fullmatch(one) else one


def _sign(between: str, spoken: str) -> str:
    """A sign between words as the language writes it."""
    return _CHINESE[between] if spoken == "zh" else between
