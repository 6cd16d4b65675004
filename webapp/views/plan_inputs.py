"""One field of a plan as one widget: label, help, bounds and choices come with the field."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import streamlit as st

from webapp.plan_document import as_toml_table
from webapp.plan_fields import Field, Kind
from webapp.texts import text, texts

SCALES: Mapping[str, float] = MappingProxyType(
    {"deadline_seconds": 60.0, "sampling.fraction": 0.01}
)
"""What one step of a field's widget is in the plan: minutes and per cent are easier to read."""

LARGEST = 2**53 - 1
"""A browser knows no larger whole number."""


@dataclass
class Form:
    """One drawing of the form.

    Attributes:
        key: Of the plan that the fields start from; fields of another plan have other keys.
        slots: Where each field was drawn, by path: what is wrong with it is told there.
        options: What a field of words chooses from, by path.
    """

    key: str
    slots: dict[str, Any] = field(default_factory=dict)
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def ask(self, one: Field, value: Any, label: str = "", about: str = "", of: str = "") -> Any:
        """Draws a field with a value in it; returns what it holds now.

        Args:
            one: The field.
            value: As a plan's document has it.
            label: For people; from the texts where not given.
            about: Its help, likewise.
            of: Whose setting it is, where others have one of the same name.
        """
        slot = self.slots[one.path] = st.container(gap="xsmall")
        shown = label or label_of(one.path)
        known = Widget(one, f"{one.path}-{of}{self.key}", shown, about or help_of(one.path) or None)
        with slot:
            if one.path in self.options:
                return _one_of(known, value, self.options[one.path])
            return ASK[one.kind](known, value)


@dataclass(frozen=True, slots=True)
class Widget:
    """What a widget of a field needs to know."""

    field: Field
    key: str
    label: str
    help: str | None


def label_of(path: str) -> str:
    """A field as people call it; a new one without a text as its path."""
    key = f"setting.{path.replace('.', '_')}"
    return text(key) if key in texts() else path


def help_of(path: str) -> str:
    """What a field does, in a sentence."""
    key = f"setting_help.{path.replace('.', '_')}"
    return text(key) if key in texts() else ""


def option_of(path: str, option: str) -> str:
    """A choice of a field as people call it."""
    key = f"option.{path.replace('.', '_')}_{option}"
    if key in texts():
        return text(key)
    rule = path == "strategy.name" and f"rule.{option}" in texts()
    return text(f"rule.{option}") if rule else option.replace("_", " ")


def _yes_no(one: Widget, value: Any) -> bool:
    return st.checkbox(one.label, value=bool(value), help=one.help, key=one.key)


def _whole(one: Widget, value: Any) -> int | None:
    low, high = _limits(one.field)
    before = None if value is None else int(min(max(value, low), high))
    after = st.number_input(
        one.label,
        min_value=int(low),
        max_value=int(high),
        value=before,
        step=1,
        placeholder=text("form.unset"),
        help=one.help,
        key=one.key,
    )
    return None if after is None else int(after)


def _decimal(one: Widget, value: Any) -> float | None:
    low, high = _limits(one.field)
    scale = SCALES.get(one.field.path, 1.0)
    before = None if value is None else float(min(max(value, low), high)) / scale
    after = st.number_input(
        one.label,
        min_value=low / scale,
        max_value=high / scale,
        value=before,
        step=_step(before, high / scale),
        format="%.6g",
        placeholder=text("form.unset"),
        help=one.help,
        key=one.key,
    )
    # What nobody touches stays as exact as it was.
    return value if after == before or (after is None and value is None) else _scaled(after, scale)


def _scaled(shown: float | None, scale: float) -> float | None:
    return None if shown is None else round(float(shown) * scale, 12)


def _limits(one: Field) -> tuple[float, float]:
    low = -LARGEST if one.low is None else max(one.low, -LARGEST)
    return float(low), float(LARGEST if one.high is None else min(one.high, LARGEST))


def _step(value: float | None, high: float) -> float:
    """A step that fits the size of a value: the power of ten below it."""
    size = abs(value) if value else min(high, 10.0) / 10
    return float(10.0 ** math.floor(math.log10(size) - 0.3)) if size else 0.1


def _choice(one: Widget, value: Any) -> Any:
    return _one_of(one, value, one.field.options)


def _one_of(one: Widget, value: Any, options: Sequence[str]) -> Any:
    path, unset = one.field.path, one.field.optional
    known = [*([""] if unset else []), *options]
    known += [value] if value and value not in known else []
    found = st.selectbox(
        one.label,
        known,
        index=known.index(value) if value in known else 0,
        format_func=lambda option: option_of(path, option) if option else text("form.unset"),
        help=one.help,
        key=one.key,
    )
    return found or None


def _words(one: Widget, value: Any) -> str | None:
    draw = st.text_area if one.field.path == "model.config" else st.text_input
    found = draw(one.label, value=value or "", help=one.help, key=one.key).strip()
    return found or (None if one.field.optional else "")


def _range(one: Widget, value: Any) -> list[float | None] | None:
    low, high = _limits(one.field)
    st.markdown(one.label, help=one.help)
    ends = []
    with st.container(horizontal=True, gap="small"):
        for place, end in enumerate(("lowest", "highest")):
            ends.append(
                st.number_input(
                    text(f"form.{end}"),
                    min_value=low,
                    max_value=high,
                    value=float(value[place]) if value else None,
                    step=_step(float(value[place]) if value else None, high),
                    format="%.6g",
                    placeholder=text("form.unset"),
                    key=f"{one.key}-{end}",
                )
            )
    return None if ends == [None, None] else ends


def _several(one: Widget, value: Any) -> list[Any]:
    if one.field.options:
        path = one.field.path
        return st.multiselect(
            one.label,
            one.field.options,
            default=list(value or ()),
            format_func=lambda option: option_of(path, option),
            placeholder=text("form.choose"),
            help=one.help,
            key=one.key,
        )
    before = ", ".join(str(number) for number in value or ())
    found = st.text_input(one.label, value=before, help=one.help, key=one.key)
    # What is no number is refused with the plan, beside the field.
    return [int(part) if _is_whole(part) else part for part in _parts(found)]


def _is_whole(part: str) -> bool:
    """Whether it is a whole number; Python refuses to read one of thousands of digits."""
    return part.isascii() and part.isdigit() and len(part) <= len(str(LARGEST))


def _parts(written: str) -> list[str]:
    return [part for part in written.replace(",", " ").split() if part]


def _table(one: Widget, value: Any) -> Any:
    before = as_toml_table(value or {})
    found = st.text_area(one.label, value=before, help=one.help, key=one.key)
    try:
        return tomllib.loads(found)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Refused with the plan, with this sentence.
        return str(error)


def _part(one: Widget, value: Any) -> bool:
    return st.toggle(one.label, value=value is not None, help=one.help, key=one.key)


ASK: Mapping[Kind, Callable[[Widget, Any], Any]] = MappingProxyType(
    {
        "yes_no": _yes_no,
        "whole": _whole,
        "decimal": _decimal,
        "choice": _choice,
        "words": _words,
        "range": _range,
        "several": _several,
        "table": _table,
        "part": _part,
    }
)


def written(value: object) -> str:
    """A setting's value in a sentence."""
    if isinstance(value, bool):
        return text("compare.yes" if value else "compare.no")
    if value is None or value == []:
        return text("form.unset")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
