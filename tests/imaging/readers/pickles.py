"""Pickles for the tests: what NumPy writes, by protocol, and what a stranger might."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import Any

from imaging.readers.bounds import BOUNDS, Bounds
from imaging.readers.content import MemoryContent
from imaging.readers.pickled import read_pickle


def pickled(value: Any, protocol: int = 4) -> bytes:
    """A value as Python pickles it."""
    return bytes(ForkingPickler.dumps(value, protocol))


def read(data: bytes, bounds: Bounds = BOUNDS) -> Any:
    """What our machine makes of a pickle."""
    return read_pickle(MemoryContent(data), bounds)
