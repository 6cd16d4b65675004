"""What the names in a pickle of arrays stand for; none of them is ever looked up or called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imaging.readers.bounds import Bounds
from imaging.readers.content import Content, MemoryContent
from imaging.readers.errors import BrokenSource
from imaging.readers.pickled_memory import PickleMemory
from imaging.readers.stored_array import StoredArray

_DTYPE = re.compile(r"[buif][1248]|[US][0-9]{1,4}|O8?|\?")


@dataclass(frozen=True, slots=True)
class Name:
    """A function or a class, as far as a pickle names it."""

    module: str
    name: str


class DtypeInMaking:
    """A dtype: its code, then its byte order.

    Args:
        code: `u1`, `f8`, `U7`, `O`.
    """

    def __init__(self, code: str) -> None:
        """See the class docstring."""
        self.code = code
        self.order = "="

    @property
    def is_object(self) -> bool:
        """Whether its items are values of any kind."""
        return self.code[0] == "O"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, of numbers or texts."""
        return np.dtype(self.order + self.code if self.code != "?" else "?")

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Takes the byte order; a dtype with fields is refused."""
        _, order, *fields = state
        # Python 2 has bytes for texts.
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "=") or any(part is not None for part in fields[:3]):
            raise ValueError("a dtype with fields")
        self.order = order


class ArrayInMaking:
    """An array before it has its state.

    Args:
        bounds: How much of it may be in memory at once.
    """

    def __init__(self, bounds: Bounds) -> None:
        """See the class docstring."""
        self._bounds = bounds
        self._made: StoredArray | list[Any] | None = None

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Takes shape, dtype and items."""
        _, shape, dtype, by_columns, items = state
        self.fill(shape, dtype, bool(by_columns), items)

    def fill(self, shape: Any, dtype: Any, by_columns: bool, items: Any) -> None:
        """The same, one by one."""
        if not isinstance(dtype, DtypeInMaking) or not isinstance(shape, tuple):
            raise TypeError("an array without dtype or shape")
        if dtype.is_object:
            if type(items) is not list or shape != (len(items),):
                raise ValueError("an array of objects that is no list")
            self._made = items
            return
        content = MemoryContent(items) if isinstance(items, bytes) else items
        if not hasattr(content, "seekable"):
            raise TypeError("an array without bytes")
        self._made = StoredArray(dtype.dtype, shape, content, by_columns, self._bounds)

    def array(self) -> StoredArray | list[Any]:
        """The array; a list, if its items are values of any kind.

        Raises:
            BrokenSource: It never got a state.
        """
        if self._made is None:
            raise BrokenSource("This pickle is damaged", expected="arrays", received="half of one")
        return self._made


def _reconstruct(arguments: tuple[Any, ...], memory: PickleMemory) -> ArrayInMaking:
    kind = arguments[0]
    if kind not in (Name("numpy", "ndarray"),):
        raise TypeError("an array of another class")
    return ArrayInMaking(memory.bounds)


def _from_buffer(arguments: tuple[Any, ...], memory: PickleMemory) -> ArrayInMaking:
    items, dtype, shape, order, *rest = arguments
    if order not in ("C", "F") or any(one is not None for one in rest):
        raise ValueError("an array in an order that is not read")
    made = ArrayInMaking(memory.bounds)
    made.fill(shape, dtype, order == "F", items)
    return made


def _dtype(arguments: tuple[Any, ...], memory: PickleMemory) -> DtypeInMaking:
    code = arguments[0]
    text = code.decode("ascii") if isinstance(code, bytes) else code
    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        raise ValueError("a dtype that is not read")
    return DtypeInMaking(text)


def _scalar(arguments: tuple[Any, ...], memory: PickleMemory) -> Any:
    dtype, data = arguments
    if not isinstance(dtype, DtypeInMaking) or not isinstance(data, bytes) or dtype.is_object:
        raise TypeError("a number without a dtype")
    if dtype.dtype.itemsize != len(data):
        raise ValueError("a number of another size")
    memory.keep(len(data))
    return np.frombuffer(data, dtype.dtype)[0].item()


def _encode(arguments: tuple[Any, ...], memory: PickleMemory) -> bytes:
    text, encoding = arguments
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes in another encoding")
    memory.keep(len(text))
    return text.encode("latin1")


def _bytes(arguments: tuple[Any, ...], memory: PickleMemory) -> bytes | Content:
    items = arguments[0] if arguments else b""
    if not isinstance(items, bytes) and not hasattr(items, "seekable"):
        raise TypeError("bytes that are none")
    return items


def _ndarray(arguments: tuple[Any, ...], memory: PickleMemory) -> Any:
    raise TypeError("an array made without its parts")


ADMITTED: Mapping[tuple[str, str], Callable[[tuple[Any, ...], PickleMemory], Any]] = {
    ("numpy", "ndarray"): _ndarray,
    ("numpy", "dtype"): _dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    ("_codecs", "encode"): _encode,
    **{(module, "bytes"): _bytes for module in ("builtins", "__builtin__")},
    **{(module, "bytearray"): _bytes for module in ("builtins", "__builtin__")},
}
