"""A blob at the master of which only the parts that are looked at are fetched."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from federated.errors import InvalidInput
from federated.wire import TensorReader, UpdateReader, read_update_document
from webapp.api.connection import Connection

FIRST = 64 * 1024
"""Bytes that are fetched first: of most blobs the whole header."""

MOST_HEADER = 8 * 2**20
MOST_TENSOR = 64 * 2**20
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "|i1"}


class RemoteBlob:
    """A safetensors file at the master, read tensor by tensor.

    Format: https://huggingface.co/docs/safetensors

    Args:
        connection: To the master.
        sha256: The blob's name.

    Raises:
        ApiError: The master refused, is away, or no longer keeps it.
        InvalidInput: What it gave is no safetensors file.
    """

    def __init__(self, connection: Connection, sha256: str) -> None:
        """Fetches the header."""
        self._connection = connection
        self._path = f"weights/{sha256}"
        first = connection.part(self._path, 0, FIRST)
        length = int.from_bytes(first[:8], "little")
        if len(first) < 8 or length > MOST_HEADER:
            raise InvalidInput("The blob is no safetensors file", expected="its header")
        self._begin = 8 + length
        header = first if self._begin <= len(first) else connection.part(self._path, 0, self._begin)
        try:
            self._tensors: dict[str, Any] = json.loads(header[8 : self._begin])
        except ValueError:
            raise InvalidInput("The blob is no safetensors file", expected="its header") from None
        self._metadata: dict[str, str] = self._tensors.pop("__metadata__", {})

    def metadata(self) -> dict[str, str]:
        """The blob's metadata."""
        return self._metadata

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return list(self._tensors)

    @property
    def shapes(self) -> dict[str, Any]:
        """The shapes of the tensors, by name: each a tuple of int."""
        return {name: tuple(told["shape"]) for name, told in self._tensors.items()}

    def get_slice(self, name: str) -> Any:
        """Nothing of ours asks a remote blob for a slice."""
        raise NotImplementedError(name)

    def get_tensor(self, name: str) -> np.ndarray:
        """One tensor, fetched when asked for.

        Raises:
            InvalidInput: The header does not tell the truth about it, or it is too large.
        """
        told = self._tensors[name]
        dtype = np.dtype(DTYPES.get(str(told["dtype"]), "V1"))
        start, stop = (int(place) for place in told["data_offsets"])
        nbytes = math.prod(self.shapes[name]) * dtype.itemsize
        if dtype.kind == "V" or stop - start != nbytes or nbytes > MOST_TENSOR:
            raise InvalidInput("A tensor of the blob cannot be read", expected="a sound header")
        content = self._connection.part(self._path, self._begin + start, self._begin + stop)
        return np.frombuffer(content, dtype).reshape(self.shapes[name])


def update_at(connection: Connection, sha256: str, base: TensorReader) -> UpdateReader:
    """An update at the master, its weights decoded tensor by tensor.

    Args:
        connection: To the master.
        sha256: The update's name.
        base: The weights that its task named.

    Raises:
        ApiError: The master refused, is away, or no longer keeps it.
        InvalidInput: It is no update.
    """
    blob = RemoteBlob(connection, sha256)
    return UpdateReader(blob, read_update_document(blob), base)
