"""What is looked at before a blob from elsewhere is believed: names, shapes, dtypes, numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federated.errors import InvalidInput, ShapeMismatch, cut
from federated.signature import Signature
from federated.wire import (
    EXTRA_PREFIX,
    SCALE_PREFIX,
    BlobReader,
    Encoding,
    TensorReader,
    UpdateDocument,
    read_update_document,
    read_weights_document,
)

NUMPY_DTYPES = {"F16": "float16", "F32": "float32", "F64": "float64", "I8": "int8"}
"""Dtypes that travel, by their names in safetensors."""


def declared_shapes(blob: BlobReader) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype that a blob declares for each tensor, without reading any.

    Raises:
        ShapeMismatch: A dtype that never travels.
    """
    shapes = {}
    for name in blob.keys():  # noqa: SIM118  (a reader is not a mapping)
        part = blob.get_slice(name)
        dtype = NUMPY_DTYPES.get(part.get_dtype())
        if dtype is None:
            raise ShapeMismatch(
                f"Tensor '{cut(name, 80)}' has a dtype that does not travel",
                expected=f"one of {sorted(NUMPY_DTYPES)}",
                received=part.get_dtype(),
            )
        shapes[name] = (tuple(part.get_shape()), dtype)
    return shapes


def check_weights(blob: BlobReader, signature: Signature) -> None:
    """Compares a blob of global weights with the signature, reading no tensor.

    Raises:
        InvalidInput: The metadata is wrong.
        ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype.
    """
    _check_number(blob, len(signature.tensors))
    read_weights_document(blob)
    signature.check(declared_shapes(blob))


def check_update(
    blob: BlobReader, signature: Signature, *, extra: Signature | None = None
) -> UpdateDocument:
    """Compares an update with the signature under its encoding, reading no tensor.

    Args:
        blob: The update.
        signature: That of the weights which the task named.
        extra: What the strategy needs under `extra/`, exactly; None where it needs nothing.

    Returns:
        The update's document.

    Raises:
        InvalidInput: The metadata is wrong.
        ShapeMismatch: A tensor is missing, unknown, or of another shape or dtype.
    """
    _check_number(blob, 2 * len(signature.tensors) + (len(extra.tensors) if extra else 0))
    document = read_update_document(blob)
    shapes = declared_shapes(blob)
    _check_extras(shapes, extra)
    weights = {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith((EXTRA_PREFIX, SCALE_PREFIX))
    }
    scales = {name for name in shapes if name.startswith(SCALE_PREFIX)}
    _check_scales(scales, shapes, signature, document.encoding)
    signature.check(
        {
            name: (shape, _logical_dtype(dtype, document.encoding, signature, name))
            for name, (shape, dtype) in weights.items()
        }
    )
    return document


def check_finite(reader: TensorReader) -> None:
    """Reads every tensor once and refuses NaN and infinities.

    Raises:
        InvalidInput: A tensor holds a value that is not a number.
    """
    for name in reader.keys():  # noqa: SIM118
        array = reader.get_tensor(name)
        if not np.isfinite(array).all():
            raise InvalidInput(
                f"Tensor '{name}' holds values that are not numbers",
                expected="finite values only",
                received=f"{int((~np.isfinite(array)).sum())} of {array.size} not finite",
                code="not_finite",
            )


def largest_update(signature: Signature, extra: Signature | None = None) -> int:
    """Bytes that no honest update exceeds: weights, what the strategy needs besides, header.

    There is room for weights of the wrong dtype, so that their sender is told of it.

    Args:
        signature: That of the weights.
        extra: As of `check_update`.
    """
    largest = 2 * signature.nbytes + 1024 * (len(signature.tensors) + 1024)
    return largest if extra is None else largest + extra.nbytes + 1024 * len(extra.tensors)


def _logical_dtype(dtype: str, encoding: Encoding, signature: Signature, name: str) -> str:
    """The signature's dtype, where the wire's dtype is what the encoding makes of it."""
    if encoding == "float32" or dtype != encoding:
        return dtype
    spec = next((spec for spec in signature.tensors if spec.name == name), None)
    return spec.dtype if spec else dtype


def _check_number(blob: BlobReader, largest: int) -> None:
    """Comes first: every other look at the tensors takes time for each of them."""
    number = len(blob.keys())
    if number > largest:
        raise ShapeMismatch(
            "The blob holds more tensors than any encoding of this model",
            expected=f"at most {largest}",
            received=number,
        )


def _check_extras(
    shapes: Mapping[str, tuple[tuple[int, ...], str]], extra: Signature | None
) -> None:
    found = {
        name.removeprefix(EXTRA_PREFIX): shape
        for name, shape in shapes.items()
        if name.startswith(EXTRA_PREFIX)
    }
    needed = set(extra.names) if extra else set()
    if unknown := sorted(set(found) - needed):
        raise ShapeMismatch(
            f"The blob holds tensors under '{EXTRA_PREFIX}' that nobody asked for",
            expected=f"those {len(needed)} that the strategy needs" if needed else "none",
            received=f"{len(unknown)} others, the first '{cut(unknown[0], 80)}'",
        )
    if missing := sorted(needed - set(found)):
        raise ShapeMismatch(
            f"The strategy needs tensors under '{EXTRA_PREFIX}' that the blob lacks",
            expected=f"{len(needed)} of them",
            received=f"none for {len(missing)}, the first '{missing[0]}'",
        )
    if extra is not None:
        extra.check(found)


def _check_scales(
    scales: set[str],
    shapes: Mapping[str, tuple[tuple[int, ...], str]],
    signature: Signature,
    encoding: Encoding,
) -> None:
    expected = {SCALE_PREFIX + name for name in signature.names} if encoding == "int8" else set()
    if scales != expected or any(shapes[name] != ((), "float32") for name in scales):
        raise ShapeMismatch(
            f"The scale tensors do not fit the encoding {encoding}",
            expected=f"{len(expected)} float32 scalars",
            received=f"{len(scales)} tensors under '{SCALE_PREFIX}'",
        )
