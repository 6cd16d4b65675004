"""Where the tensors of a blob lie in its file, so that a part of one can be read alone.

A safetensors file is 8 bytes with the length of its header, little-endian; the header as JSON;
and the tensors' bytes, little-endian and in row-major order.

Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from federated.errors import InvalidInput

_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "<i1"}

_Entry = tuple[str, str, tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies.

    Attributes:
        start: Its first byte, counted from the end of the header.
        dtype: Of its values.
        shape: Its dimensions.
    """

    start: int
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of a blob's tensors.

    Attributes:
        begin: The first byte after the header.
        places: Each tensor's place, by name.
    """

    begin: int
    places: Mapping[str, Place]

    def place(self, name: str) -> Place:
        """A tensor's place.

        Raises:
            InvalidInput: The blob does not hold it.
        """
        found = self.places.get(name)
        if found is None:
            raise InvalidInput(f"The blob holds no tensor '{name}'", received="no such name")
        return found


def layout_of(path: Path) -> Layout:
    """Reads the table of a blob that has been checked; equal tables are kept only once.

    Raises:
        InvalidInput: It holds a tensor of a dtype that does not travel.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    entries = tuple(
        (name, entry["dtype"], tuple(entry["shape"]), entry["data_offsets"][0])
        for name, entry in header.items()
    )
    return Layout(8 + length, _places(entries))


def read_values(path: Path, layout: Layout, name: str, start: int, stop: int) -> np.ndarray:
    """The values from `start` to `stop` of one tensor, laid flat, as an array of its own.

    Raises:
        InvalidInput: The blob does not hold them all.
    """
    place = layout.place(name)
    offset = layout.begin + place.start + start * place.dtype.itemsize
    values = np.fromfile(path, place.dtype, count=stop - start, offset=offset)
    if stop > place.count or len(values) != stop - start:
        raise InvalidInput(
            f"The blob does not hold all values of the tensor '{name}'",
            expected=f"{stop - start} values from {start} on",
            received=f"{len(values)}, of {place.count} in all",
        )
    return values


@functools.lru_cache(maxsize=64)
def _places(entries: tuple[_Entry, ...]) -> Mapping[str, Place]:
    """One table for all updates of a model, however many a round has."""
    places = {}
    for name, dtype, shape, start in entries:
        if dtype not in _DTYPES:
            raise InvalidInput(
                f"The tensor '{name}' has a dtype that does not travel",
                expected=f"one of {sorted(_DTYPES)}",
                received=dtype,
            )
        places[name] = Place(start, np.dtype(_DTYPES[dtype]), shape)
    return MappingProxyType(places)
