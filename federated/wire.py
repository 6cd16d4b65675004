"""The wire format: weights and updates as safetensors.

A blob is a safetensors file whose metadata has the single key `commonsight` with one JSON
document, keys sorted: several metadata keys would be written in random order and change
the hash. A blob's name is the SHA-256 of its bytes. Nothing is ever pickled.

Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, Field, ValidationError
from safetensors.numpy import save

from federated.errors import InvalidInput, NotEnoughUpdates, cut
from federated.plan import Setting
from federated.values import MAX_EXAMPLES, Message, Sha256, canonical_json

CONTENT_TYPE = "application/x-safetensors"
METADATA_KEY = "commonsight"
EXTRA_PREFIX = "extra/"
SCALE_PREFIX = "scale/"

MAX_DOCUMENT = 64 * 1024
"""Bytes of the metadata document: all figures that are allowed, with room to spare."""

Encoding = Literal["float32", "float16", "int8"]


class TensorReader(Protocol):
    """Named tensors that are read one at a time; `safetensors.safe_open` files are such.

    One that can read a part of a tensor alone has a `get_range` beside: see `read_range`.
    """

    def keys(self) -> list[str]:
        """Names of the tensors."""

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor, read when asked for."""


class BlobReader(TensorReader, Protocol):
    """A blob whose declared shapes can be looked at before anything is allocated."""

    def metadata(self) -> dict[str, str] | None:
        """The blob's metadata."""

    def get_slice(self, name: str) -> Any:
        """A tensor not yet read, with `get_shape()` and `get_dtype()`."""


FigureName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$")]
"""What a node calls a figure of its own: `val_accuracy`, `F1`, `layer1/gradient.norm`."""

Hyperparameter = Setting | None | Annotated[tuple[Setting, ...], Field(max_length=32)]
"""A scalar of JSON, or some of them: what a client of another make trained with."""


class WeightsDocument(Message):
    """What the metadata of a blob of global weights says; what else it says is passed over."""

    format: Literal[1] = 1


class UpdateDocument(Message):
    """What the metadata of an update says; what else it says is passed over, and not kept.

    Attributes:
        task: The task that the update answers.
        kind: `weights`, or `delta`: the difference to the weights that the task named.
        base: SHA-256 of the weights that the task named.
        encoding: `float32`, `float16`, or `int8` with a tensor `scale/<name>` beside each.
        num_examples: Pictures of the training part.
        num_steps: Optimiser steps taken.
        metrics: Figures that the node measured itself, such as `val_accuracy`.
        hyperparameters: What the node trained with.
    """

    format: Literal[1] = 1
    task: Annotated[str, Field(min_length=1, max_length=64)]
    kind: Literal["weights", "delta"] = "weights"
    base: Sha256
    encoding: Encoding = "float32"
    num_examples: Annotated[int, Field(ge=1, le=MAX_EXAMPLES, strict=True)]
    num_steps: Annotated[int, Field(ge=0, le=10**12, strict=True)]
    metrics: Annotated[dict[FigureName, float], Field(max_length=100)] = Field(default_factory=dict)
    hyperparameters: Annotated[dict[FigureName, Hyperparameter], Field(max_length=100)] = Field(
        default_factory=dict
    )


Document = TypeVar("Document", WeightsDocument, UpdateDocument)


def encode_weights(weights: Mapping[str, np.ndarray]) -> bytes:
    """A blob of global weights; equal weights give equal bytes.

    Args:
        weights: Floating-point arrays by canonical name.
    """
    return _encode(weights, WeightsDocument())


def encode_update(
    weights: Mapping[str, np.ndarray],
    document: UpdateDocument,
    *,
    base: Mapping[str, np.ndarray] | None = None,
    extra: Mapping[str, np.ndarray] | None = None,
) -> bytes:
    """A blob of one update, encoded as its document says.

    Args:
        weights: The trained weights by canonical name.
        document: What the metadata will say; decides kind and encoding.
        base: The weights that the task named; needed for the kind `delta`.
        extra: Tensors that a strategy needs besides, without the `extra/` prefix.

    Raises:
        InvalidInput: A delta was asked for without its base.
    """
    if document.kind == "delta":
        if base is None:
            raise InvalidInput("A delta needs the weights it starts from", expected="base")
        weights = {name: array - base[name] for name, array in weights.items()}
    tensors: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        tensors.update(_encode_tensor(name, array, document.encoding))
    for name, array in (extra or {}).items():
        tensors[EXTRA_PREFIX + name] = array
    return _encode(tensors, document)


def read_weights_document(blob: BlobReader) -> WeightsDocument:
    """The document of a blob of global weights.

    Raises:
        InvalidInput: The metadata is missing or says something else.
    """
    return _document(blob, WeightsDocument)


def read_update_document(blob: BlobReader) -> UpdateDocument:
    """The document of an update, each figure in its range.

    Raises:
        InvalidInput: The metadata is missing, or a figure is out of its range.
    """
    return _document(blob, UpdateDocument)


class UpdateReader:
    """An update's weights, decoded tensor by tensor.

    Args:
        blob: The update, already passed by `check_update`.
        document: Its document.
        base: Reader of the weights that the task named; used for the kind `delta`.
    """

    def __init__(self, blob: TensorReader, document: UpdateDocument, base: TensorReader) -> None:
        self._blob = blob
        self._document = document
        self._base = base

    def keys(self) -> list[str]:
        """Names of the weights, without scales and extras."""
        prefixes = (EXTRA_PREFIX, SCALE_PREFIX)
        names = self._blob.keys()
        return [name for name in names if not name.startswith(prefixes)]

    def get_tensor(self, name: str) -> np.ndarray:
        """One weight tensor as the node has it after training; float."""
        return self._decoded(name, lambda reader: reader.get_tensor(name))

    def get_range(self, name: str, start: int, stop: int) -> np.ndarray:
        """A part of a weight tensor, laid flat; the same numbers as of the whole."""
        return self._decoded(name, lambda reader: read_range(reader, name, start, stop))

    def _decoded(self, name: str, read: Callable[[TensorReader], np.ndarray]) -> np.ndarray:
        array = read(self._blob)
        if self._document.encoding != "float32":
            array = array.astype(np.float32)
        if self._document.encoding == "int8":
            array = array * self._blob.get_tensor(SCALE_PREFIX + name)
        if self._document.kind == "delta":
            array = read(self._base) + array
        return array


class ExtraReader:
    """The tensors of an update that a strategy needs besides, by their names without `extra/`.

    Args:
        blob: The update.
    """

    def __init__(self, blob: TensorReader) -> None:
        self._blob = blob

    def keys(self) -> list[str]:
        """Names of the tensors."""
        names = self._blob.keys()
        return [name.removeprefix(EXTRA_PREFIX) for name in names if name.startswith(EXTRA_PREFIX)]

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor."""
        return self._blob.get_tensor(EXTRA_PREFIX + name)

    def get_range(self, name: str, start: int, stop: int) -> np.ndarray:
        """A part of a tensor, laid flat."""
        return read_range(self._blob, EXTRA_PREFIX + name, start, stop)


def read_range(reader: TensorReader, name: str, start: int, stop: int) -> np.ndarray:
    """The values from `start` to `stop` of one tensor, laid flat in row-major order.

    Args:
        reader: Has a method `get_range(name, start, stop)`, or is asked for the whole tensor.
        name: The tensor.
        start: First value, from 0.
        stop: End, at most the tensor's number of values.
    """
    get_range: Callable[[str, int, int], np.ndarray] | None = getattr(reader, "get_range", None)
    if get_range is None:
        return reader.get_tensor(name).reshape(-1)[start:stop]
    return get_range(name, start, stop)


def _encode(tensors: Mapping[str, np.ndarray], document: BaseModel) -> bytes:
    if not tensors:
        raise NotEnoughUpdates("There are no tensors to write", expected="at least one")
    # Not `ascontiguousarray`, which would give a scalar a dimension.
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    metadata = {METADATA_KEY: canonical_json(document.model_dump(mode="json"))}
    return save(arrays, metadata=metadata)


def _encode_tensor(name: str, array: np.ndarray, encoding: Encoding) -> dict[str, np.ndarray]:
    if encoding == "float32":
        return {name: array}
    if encoding == "float16":
        limit = float(np.finfo(np.float16).max)
        return {name: np.clip(array, -limit, limit).astype(np.float16)}
    scale = np.float32(np.abs(array).max(initial=0.0) / 127) or np.float32(1)
    return {
        name: np.round(array / scale).astype(np.int8),
        SCALE_PREFIX + name: np.asarray(scale, dtype=np.float32),
    }


def _document(blob: BlobReader, kind: type[Document]) -> Document:
    text = (blob.metadata() or {}).get(METADATA_KEY)
    if text is None:
        raise InvalidInput(
            "The blob's metadata is missing",
            expected=f"a JSON document under '{METADATA_KEY}'",
            code="bad_metadata",
        )
    if len(text.encode()) > MAX_DOCUMENT:
        raise InvalidInput(
            "The blob's metadata is too long",
            expected=f"at most {MAX_DOCUMENT} bytes",
            received=len(text),
            code="bad_metadata",
        )
    try:
        return kind.model_validate(json.loads(text))
    except ValidationError as error:
        raise _wrong_field(error, kind) from None
    except (ValueError, RecursionError):
        raise InvalidInput(
            "The blob's metadata is not JSON", expected="one JSON document", code="bad_metadata"
        ) from None


def _wrong_field(error: ValidationError, kind: type[BaseModel]) -> InvalidInput:
    """The first fault that was found; only a field of ours names the code."""
    first = error.errors()[0]
    # Where a field is missing, pydantic hands over everything around it.
    of_field = bool(first["loc"]) and first["type"] != "missing"
    field = str(first["loc"][0]) if first["loc"] else "document"
    where = ".".join(str(part) for part in first["loc"]) or field
    return InvalidInput(
        f"The blob's metadata has a wrong value for '{cut(where, 80)}'",
        expected=first["msg"],
        received=reprlib.repr(first.get("input")) if of_field else "none",
        code=f"bad_{field}" if field in kind.model_fields else "bad_metadata",
    )
