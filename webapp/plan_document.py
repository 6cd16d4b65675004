"""A plan as a document: its fields by path, its differences, and the file that holds it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from federated.errors import InvalidInput
from federated.plan import Plan
from federated.views import PlanView

Document = dict[str, Any]

LONGEST_FILE = 2**21
"""Characters of a plan that is pasted: more than a model of Keras's own layers takes."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def at(document: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The value at a path, such as `training.epochs`; `default` where it leads nowhere."""
    found: Any = document
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return default
        found = found[name]
    return found


def put(document: Document, path: str, value: Any) -> None:
    """Sets the value at a path, and makes what leads there."""
    *parents, name = path.split(".")
    for parent in parents:
        if not isinstance(document.get(parent), dict):
            document[parent] = {}
        document = document[parent]
    document[name] = value


def differences(before: Plan, after: Plan) -> list[tuple[str, Any, Any]]:
    """`(path, before, after)` of every setting in which two plans differ, in the plan's order."""
    olds, news = (dict(_flat(one.model_dump(mode="json"))) for one in (before, after))
    paths = dict.fromkeys([*news, *olds])
    return [(p, olds.get(p), news.get(p)) for p in paths if olds.get(p) != news.get(p)]


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            # A part that is left out and an empty one are alike.
            yield f"{prefix}{name}", value or None if isinstance(value, Mapping) else value


def as_toml(plan: Plan, title: str, description: str) -> str:
    """A plan as a file for the folder of ready-made plans, every setting written out."""
    lines = [f"title = {_value(title)}", f"description = {_value(description)}"]
    return "\n".join([*lines, *_table("plan", plan.model_dump(mode="json", exclude_none=True))])


def as_toml_table(entries: Mapping[str, Any]) -> str:
    """Values, and tables of values, as TOML."""
    return "\n".join(_table("", entries)).strip()


def _table(name: str, entries: Mapping[str, Any]) -> list[str]:
    """A table with its values first: what follows a table's head belongs to that table."""
    lines = ["", f"[{name}]"] if name else []
    tables = {key: value for key, value in entries.items() if isinstance(value, Mapping)}
    lines += [f"{_key(k)} = {_value(v)}" for k, v in entries.items() if k not in tables]
    for key, value in tables.items():
        lines += _table(f"{name}.{_key(key)}" if name else _key(key), value)
    return lines


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    # JSON's texts, numbers, truth values and lists of them are TOML's as well.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_toml(written: str) -> PlanView:
    """The plan of a file like those of the ready-made ones; `[plan]` may be all there is.

    Raises:
        InvalidInput: It is no such file; the error names every fault.
    """
    if len(written) > LONGEST_FILE:
        raise InvalidInput("The text is too long for a plan", received=f"{len(written)} characters")
    try:
        document = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"This is not TOML: {error}") from None
    own = document.get("plan", document)
    facts = {name: str(document.get(name, ""))[:300] for name in ("title", "description")}
    try:
        return PlanView(name="pasted", plan=Plan.model_validate(own), **facts)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}".removeprefix(": ")
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInput(f"This is not a plan ({'; '.join(faults)})") from None
