"""Numbers, sizes, times and states, as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from webapp.numerals import date_alone, date_and_time, grouped, in_percent, localised, with_unit
from webapp.texts import text

NOTHING = "–"
MINUS = "\u2212"
"""As long as a plus; what a keyboard has is a hyphen."""

Colour = Literal["red", "orange", "blue", "green", "gray"]


@dataclass(frozen=True, slots=True)
class Sign:
    """A state as word, icon and colour together: none of them carries it alone.

    Attributes:
        word: For people.
        icon: Name of a Material symbol.
        symbol: One character, where icons cannot be shown.
        colour: Of a badge.
    """

    word: str
    icon: str
    symbol: str
    colour: Colour


_SIGNS: Mapping[str, tuple[str, str, Colour]] = MappingProxyType(
    {
        "accepted": ("check_circle", "✓", "green"),
        "active": ("check_circle", "✓", "green"),
        "aggregating": ("merge", "⋯", "blue"),
        "approved": ("check_circle", "✓", "green"),
        "away": ("cloud_off", "○", "gray"),
        "cancelled": ("cancel", "×", "gray"),
        "checked": ("fact_check", "✓", "blue"),
        "closed": ("check_circle", "✓", "green"),
        "completed": ("check_circle", "✓", "green"),
        "declined": ("block", "×", "red"),
        "duplicate": ("content_copy", "=", "gray"),
        "expired": ("timer_off", "○", "orange"),
        "failed": ("error", "!", "red"),
        "fetching": ("download", "↓", "blue"),
        "granted": ("check_circle", "✓", "green"),
        "idle": ("hourglass_empty", "…", "blue"),
        "late": ("schedule", "○", "orange"),
        "leased": ("outbox", "→", "blue"),
        "lost": ("cloud_off", "○", "orange"),
        "not_granted": ("block", "×", "gray"),
        "online": ("check_circle", "✓", "green"),
        "open": ("play_circle", "▶", "blue"),
        "paused": ("pause_circle", "‖", "orange"),
        "pending": ("hourglass_top", "…", "orange"),
        "pull": ("call_made", "↑", "gray"),
        "push": ("call_received", "↓", "gray"),
        "queued": ("hourglass_top", "…", "gray"),
        "refused": ("block", "×", "red"),
        "rejected": ("block", "×", "red"),
        "running": ("play_circle", "▶", "blue"),
        "stopped": ("stop_circle", "■", "gray"),
        "stored": ("check_circle", "✓", "green"),
        "submitted": ("inbox", "↓", "blue"),
        "suspended": ("block", "×", "red"),
        "training": ("model_training", "▶", "blue"),
        "trusted": ("verified_user", "✓", "green"),
        "undecided": ("hourglass_top", "…", "orange"),
        "watched": ("visibility", "○", "orange"),
    }
)


def sign(state: str) -> Sign:
    """The sign of a state; a state of a newer version shows as its own word."""
    if state not in _SIGNS:
        return Sign(state, "help", "?", "gray")
    icon, symbol, colour = _SIGNS[state]
    return Sign(text(f"state.{state}"), icon, symbol, colour)


def marked(state: str) -> str:
    """A state as symbol and word, for tables."""
    shown = sign(state)
    return f"{shown.symbol} {shown.word}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share (0 to 1) in per cent."""
    return NOTHING if share is None else in_percent(f"{share * 100:.{digits}f}")


def figure(value: float | None, digits: int = 3) -> str:
    """A figure with a fixed number of digits."""
    if value is None:
        return NOTHING
    if abs(value) >= 10**9:
        return small(value)
    return localised(f"{value:.{digits}f}".replace("-", MINUS))


MOST_WHOLE = 1e9
"""From here on a figure is told by its power of ten."""


def small(value: float) -> str:
    """A figure of any magnitude, with three significant digits: `0.0123`, `1,520`."""
    written = f"{value:.3g}"
    if "e+" in written and abs(value) < MOST_WHOLE:
        return grouped(int(float(written))).replace("-", MINUS)
    return localised(written.replace("-", MINUS))


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign, also where it is positive."""
    return localised(f"{value:+.{digits}f}".replace("-", MINUS))


def whole(number: int) -> str:
    """A whole number with its thousands told apart."""
    return grouped(number)


def size(nbytes: int) -> str:
    """A number of bytes: `6.6 MB`."""
    if nbytes < 1000:
        return with_unit(str(nbytes), "digital-byte")
    if nbytes < 1_000_000:
        return with_unit(f"{nbytes / 1000:.0f}", "digital-kilobyte")
    if nbytes < 10_000_000_000:
        return with_unit(f"{nbytes / 1_000_000:.1f}", "digital-megabyte")
    return with_unit(f"{nbytes / 1_000_000_000:.1f}", "digital-gigabyte")


def credit(amount: float) -> str:
    """An amount of credits, with two digits."""
    return localised(f"{amount:.2f}")


def span(seconds: float) -> str:
    """A span of time: `42 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 10:
        return with_unit(f"{max(seconds, 0):.1f}", "second")
    for limit, unit, name in ((90, 1, "second"), (5400, 60, "minute"), (129_600, 3600, "hour")):
        if seconds < limit:
            return with_unit(f"{seconds / unit:.0f}", name)
    return with_unit(f"{seconds / 86_400:.0f}", "day")


def ago(then: float | None, now: float) -> str:
    """How long ago something was."""
    if then is None:
        return text("words.never")
    passed = now - then
    return text("words.just_now") if passed < 2 else text("words.ago", span=span(passed))


def clock(at: float) -> str:
    """Time of day of this computer's zone."""
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"


def day(at: float) -> str:
    """Date and time of this computer's zone."""
    return date_and_time(datetime.fromtimestamp(at).astimezone())


def date(at: float) -> str:
    """Date of this computer's zone."""
    return date_alone(datetime.fromtimestamp(at).astimezone())


def short(name: str) -> str:
    """The beginning of a hash or identifier, enough to tell it from others."""
    return name[:8]


def in_groups(sha256: str) -> str:
    """A whole hash in four groups, between which a line may end."""
    return " ".join(sha256[start : start + 16] for start in range(0, len(sha256), 16))


def sureness(uncertainty: float) -> str:
    """How sure a prediction is, as a sentence.

    Args:
        uncertainty: Normalised entropy, 0 sure to 1 a pure guess.
    """
    for limit, key in ((0.3, "sure"), (0.6, "fairly_sure"), (0.85, "unsure")):
        if uncertainty < limit:
            return text(f"sureness.{key}", share=percent(uncertainty, 0))
    return text("sureness.guess", share=percent(uncertainty, 0))


_ACTIVE = re.compile(r"[\\`*_{}\[\]<>()#+!|$~:&@]")
"""What Markdown gives a meaning."""

_BREAKING = re.compile(r"[^\S\u00a0\u202f]+")
"""White space at which a line may end: what holds a figure and its unit together stays."""

_BEGINNING = re.compile(r"^(\d+(?=\.(?:\s|$))|(?=[-=](?:[-=\s]|$)))")
"""What begins a list or a line across the page where a sentence begins with it."""

_PER_CENT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)%(?!\w)")
"""A share as a server writes it in a sentence."""

_ADDRESS = re.compile(
    r"((?:(?<![^\W_])[a-z]{1,12}://|www\.)[^\s`]*[^\s`.,;:!?\"')\]}>]"
    r"|[-.+\w]{1,64}@[-\w]+(?:\.[-\w]+)+)",
    re.IGNORECASE,
)
"""What Streamlit makes a link of, however it is escaped."""


def plain(sentence: str) -> str:
    """A sentence from elsewhere, so that nothing in it is taken for Markdown.

    An address is shown as code: nobody is to click on what a stranger wrote.
    """
    # A new line could begin a list, a heading or code. Every second part is an address.
    first, *rest = _ADDRESS.split(_BREAKING.sub(" ", sentence).strip(" "))
    escaped = [_BEGINNING.sub(r"\1\\", _ACTIVE.sub(r"\\\g<0>", alike(first)))]
    escaped += [
        _ACTIVE.sub(r"\\\g<0>", alike(part)) if place % 2 else f"`{part}`"
        for place, part in enumerate(rest)
    ]
    return "".join(escaped)


def alike(sentence: str) -> str:
    """A sentence from elsewhere with its shares written as the pages write theirs: 80.8 %."""
    return _PER_CENT.sub(lambda found: in_percent(found.group(1)), sentence)


def commas(parts: Iterable[str]) -> str:
    """Several in a row, with what stands between them in the page's language."""
    return text("words.comma").join(parts)


def semicolons(parts: Iterable[str]) -> str:
    """Several of which each has signs of its own."""
    return text("words.semicolon").join(parts)


def sentences(*several: str) -> str:
    """Sentences one after another; one that has no end gets it."""
    stop = text("words.stop")
    ended = (one if one.endswith((stop, ".")) else f"{one}{stop}" for one in several if one)
    return text("words.gap").join(ended)


def opened(fragment: str) -> str:
    """A reason or note from elsewhere as a sentence by itself: plain, with a capital letter."""
    return plain(fragment[:1].upper() + fragment[1:])


def within(label: str) -> str:
    """A label within a sentence; an abbreviation stays as it is."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def told(key: str, **values: object) -> str:
    """The text of that key for Markdown: what it is filled with stays words, whoever wrote it."""
    escaped = {n: plain(v) if isinstance(v, str) else v for n, v in values.items()}
    return text(key, **escaped)
