"""The fields of a plan, read off its schema: a new field of the plan shows by itself."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from federated.plan import Plan

Kind = Literal["yes_no", "whole", "decimal", "choice", "words", "range", "several", "table", "part"]

BY_HAND = frozenset({"data", "quorum", "model.settings", "strategy.settings"})
"""Fields that are one of several things, or whose parts another choice decides."""


EMPTY: Mapping[str, Any] = MappingProxyType({"several": [], "table": {}})
"""What a field that holds many has where there is nothing in it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a plan.

    Attributes:
        path: Where it stands: `training.clip_norm`.
        kind: What it is asked for with. `range`: lowest and highest; `several`: some of many;
            `table`: values by name; `part`: a part that can be left out whole, its fields follow.
        optional: Whether it may be left out.
        low: Least number; None for no limit.
        high: Largest number.
        options: Choices; empty where anything goes.
        default: What a plan has that does not say it, as JSON.
    """

    path: str
    kind: Kind
    optional: bool = False
    low: float | None = None
    high: float | None = None
    options: tuple[str, ...] = ()
    default: Any = None

    @property
    def key(self) -> str:
        """Its name in the texts."""
        return self.path.replace(".", "_")


@functools.cache
def fields_of(kind: type[BaseModel], prefix: str = "") -> tuple[Field, ...]:
    """All fields of a value and of the values within it, in order.

    Args:
        kind: The value's type.
        prefix: Path of the value, where it is a part of another.
    """
    schema = kind.model_json_schema()
    return tuple(_walk(schema, schema.get("$defs", {}), prefix))


def plan_fields() -> tuple[Field, ...]:
    """All fields of a plan but those of `BY_HAND`."""
    return fields_of(Plan)


def _walk(schema: Mapping[str, Any], parts: Mapping[str, Any], prefix: str) -> Iterator[Field]:
    for name, entry in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        if path in BY_HAND:
            continue
        found, optional = _meant(entry, parts)
        if "properties" in found:
            if optional:
                yield Field(path, "part", optional=True)
            yield from _walk(found, parts, path)
        else:
            leaf = _leaf(path, found, optional, parts)
            yield replace(leaf, default=entry.get("default", EMPTY.get(leaf.kind)))


def _meant(entry: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What a field holds, references followed, and whether it may be left out."""
    options = [one for one in entry.get("anyOf", ()) if one.get("type") != "null"]
    optional = len(options) < len(entry.get("anyOf", ()))
    found = options[0] if options else entry
    name = str(found.get("$ref", "")).rpartition("/")[2]
    return (parts[name] if name else found), optional


def _leaf(path: str, found: Mapping[str, Any], optional: bool, parts: Mapping[str, Any]) -> Field:
    options = tuple(str(one) for one in found.get("enum", ()))
    if options:
        return Field(path, "choice", optional, options=options)
    if found.get("type") == "array":
        return _array(path, found, parts)
    if found.get("type") == "object":
        return Field(path, "table", optional)
    kinds: Mapping[str, Kind] = {"boolean": "yes_no", "integer": "whole", "number": "decimal"}
    kind = kinds.get(str(found.get("type")), "words")
    low = found.get("minimum", found.get("exclusiveMinimum"))
    high = found.get("maximum", found.get("exclusiveMaximum"))
    return Field(path, kind, optional, low=low, high=high)


def _array(path: str, found: Mapping[str, Any], parts: Mapping[str, Any]) -> Field:
    """A pair of limits, or some of many."""
    inner, *_ = found.get("prefixItems") or [found["items"]]
    item, _ = _meant(inner, parts)
    low = item.get("minimum", item.get("exclusiveMinimum"))
    high = item.get("maximum", item.get("exclusiveMaximum"))
    options = tuple(str(one) for one in item.get("enum", ()))
    kind: Kind = "range" if "prefixItems" in found else "several"
    return Field(path, kind, kind == "range", low=low, high=high, options=options)
