"""The label that a file's name states, where it states exactly one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from federated.values import label_key

Reason = Literal["found", "none", "ambiguous", "negated"]

LONGEST_NAME = 1000
"""Characters of a file's name that are read; no file system has longer names."""

_EXTENSION = re.compile(r"\.(jpe?g|jpe|jfif|png)$", re.IGNORECASE)
_NEGATIONS = {"no", "non", "not", "without"}


@dataclass(frozen=True, slots=True)
class NameLabel:
    """What a file's name says about its class.

    Attributes:
        label: The class, spelt as the study spells it, or `None`.
        reason: `found`; `none`, no class is named; `ambiguous`, several are;
            `negated`, one is named, but with a word like "no" before it.
        candidates: The classes that are named, in the study's order.
    """

    label: str | None
    reason: Reason
    candidates: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """The same as a sentence for the person who chose the file."""
        names = " and ".join(f"“{name}”" for name in self.candidates)
        if self.reason == "found":
            return f"The file name says {names}."
        if self.reason == "ambiguous":
            return f"The file name could mean {names}; please choose one."
        if self.reason == "negated":
            return f"The file name seems to say that this is not {names}; please choose a label."
        return "The file name names no class of this study; please choose a label."


def label_from_name(filename: str, classes: Sequence[str]) -> NameLabel:
    """The class whose name stands in `filename` as a word, or as several in a row.

    Case and Unicode form do not count, nor what parts the words. A longer name hides a shorter one
    inside it: `no_tumor_4.jpg` is a `no_tumor` and not a `tumor`. Folders and the
    extension are left out of account. `category.jpg` is no `cat`.
    """
    base = re.split(r"[/\\]", filename)[-1][-LONGEST_NAME:]
    words = _words(_EXTENSION.sub("", base))
    spans = [
        (start, end, name) for name in classes for start, end in _occurrences(_words(name), words)
    ]
    longest = [span for span in spans if not any(_hides(other, span) for other in spans)]
    named = {name for _, _, name in longest}
    candidates = tuple(name for name in classes if name in named)
    if len(candidates) != 1:
        return NameLabel(None, "ambiguous" if candidates else "none", candidates)
    if any(start and words[start - 1] in _NEGATIONS for start, _, _ in longest):
        return NameLabel(None, "negated", candidates)
    return NameLabel(candidates[0], "found", candidates)


def _words(text: str) -> list[str]:
    """Runs of letters, each with its marks, and runs of digits."""
    runs = groupby(label_key(text), _kind)
    return ["".join(run) for kind, run in runs if kind is not None]


def _kind(character: str) -> Literal["letter", "digit"] | None:
    # Digits part words as hyphens do: `melanoma4.jpg` is a numbered melanoma.
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "letter"
    return "digit" if category == "Nd" else None


def _occurrences(sought: list[str], words: list[str]) -> list[tuple[int, int]]:
    """`(start, end)` of each place where `sought` stands in `words`."""
    length = len(sought)
    starts = range(len(words) - length + 1) if length else range(0)
    return [(at, at + length) for at in starts if words[at : at + length] == sought]


def _hides(other: tuple[int, int, str], span: tuple[int, int, str]) -> bool:
    """Whether `other` covers `span` and more."""
    wider = other[1] - other[0] > span[1] - span[0]
    return wider and other[0] <= span[0] and span[1] <= other[1]
