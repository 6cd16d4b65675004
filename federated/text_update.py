"""The text form of an update: what a client sends that has nothing but `curl`.

`{"model": "<base64 of a safetensors file>", "accuracy": 0.83, "parameters": {...}}`. The file may
be one that any library has saved: what its metadata lack is told beside it. What comes of it is
the same blob as every other update's, so that one path checks, keeps and averages them all.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from pydantic import Field

from federated.errors import BrokenTransport, InvalidInput
from federated.values import MAX_EXAMPLES, Message, canonical_json
from federated.wire import METADATA_KEY, FigureName, Hyperparameter

LENGTH = 8
"""Bytes that tell how long a safetensors header is."""

LARGEST_HEADER = 100 * 2**20
"""Bytes of a header that any reader of safetensors takes."""

METADATA = "__metadata__"

OWN_ACCURACY = "val_accuracy"
"""The figure that a node's own accuracy is."""


class JsonUpdate(Message):
    """An update from a client that can only send text.

    What is told here goes before what the file's metadata say.

    Attributes:
        model: Base64 of the update's safetensors bytes.
        accuracy: Of the model on the node's own validation pictures, 0 to 1.
        parameters: What it was trained with: those of the task, where that names some.
        num_examples: Pictures that it was trained on; else what the task allows at most.
        num_steps: Steps of the optimiser.
    """

    model: Annotated[str, Field(min_length=16)]
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    parameters: Annotated[dict[FigureName, Hyperparameter], Field(max_length=100)] | None = None
    num_examples: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)] | None = None
    num_steps: Annotated[int, Field(ge=0, le=10**12)] | None = None


def update_blob(message: JsonUpdate, task: str, base: str, announced: int) -> bytes:
    """The update as safetensors bytes; the same text gives the same bytes.

    Args:
        message: The text.
        task: The task that it answers.
        base: SHA-256 of the weights that the task named.
        announced: Pictures that it may claim, for a client that tells no number.

    Raises:
        InvalidInput: The text is not base64.
        BrokenTransport: It is not that of a safetensors file.
    """
    data = _decoded(message.model)
    header, tensors = _split(data)
    metadata = header.get(METADATA)
    known = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    told = _told(message)
    if known is not None and not told:
        return data
    document = _document(known) | told
    missing = {"format": 1, "task": task, "base": base, "num_examples": announced, "num_steps": 0}
    # Canonical: the same text must give the same hash, and a header is padded to whole words.
    try:
        header[METADATA] = {METADATA_KEY: canonical_json(missing | document)}
        written = canonical_json(header).encode()
    except (ValueError, RecursionError):
        raise _broken() from None
    written += b" " * (-len(written) % LENGTH)
    return len(written).to_bytes(LENGTH, "little") + written + tensors


def _told(message: JsonUpdate) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "num_examples": message.num_examples,
        "num_steps": message.num_steps,
        "hyperparameters": message.parameters,
        "metrics": None if message.accuracy is None else {OWN_ACCURACY: message.accuracy},
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _document(known: object) -> dict[str, Any]:
    """What the file's metadata say already; what is wrong in it is found by who reads it."""
    try:
        found = json.loads(known) if isinstance(known, str) else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "The field 'model' cannot be decoded",
            expected="base64 of the safetensors bytes",
            code="not_base64",
        ) from None


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and the tensors' bytes."""
    length = int.from_bytes(data[:LENGTH], "little")
    end = LENGTH + length
    if len(data) < LENGTH or end > len(data) or length > LARGEST_HEADER:
        raise _broken()
    try:
        header = json.loads(data[LENGTH:end])
    except (ValueError, RecursionError):
        raise _broken() from None
    if not isinstance(header, dict):
        raise _broken()
    return header, data[end:]


def _broken() -> BrokenTransport:
    return BrokenTransport(
        "The field 'model' holds no safetensors file",
        expected="a header of JSON, and the tensors behind it",
        code="not_safetensors",
    )
