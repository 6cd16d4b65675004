"""Layer names that are the same for a second build in one process, and in any process."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def name_by_structure(model: keras.Model) -> None:
    """Renames the layers of `model` that Keras named by its counters: `conv2d_17`.

    Each gets its class and its place among the layers of its class, in the order in which they
    were made: `conv2d_1`, `conv2d_2`. Names that somebody chose stay.
    """
    automatic = defaultdict(list)
    for operation in model.operations:
        stem = _snake_case(type(operation).__name__)
        match = re.fullmatch(rf"{stem}(?:_(\d+))?", operation.name)
        if match:
            automatic[stem].append((int(match[1] or 0), operation))
    for stem, numbered in automatic.items():
        _number(stem, [operation for _, operation in sorted(numbered, key=lambda entry: entry[0])])


def rename_all(model: keras.Model) -> None:
    """Renames every layer of `model` by its class and its place, whatever it was called."""
    by_class = defaultdict(list)
    # A Sequential knows its layers only; another model may have operations between them.
    for operation in getattr(model, "operations", model.layers):
        by_class[_snake_case(type(operation).__name__)].append(operation)
        if hasattr(operation, "layers"):
            rename_all(operation)
    for stem, operations in by_class.items():
        _number(stem, operations)


def _number(stem: str, operations: Sequence[Any]) -> None:
    for place, operation in enumerate(operations, 1):
        operation.name = f"{stem}_{place}"


def _snake_case(name: str) -> str:
    # As Keras does it, for it is Keras's names that are looked for.
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
