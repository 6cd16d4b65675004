"""Pictures that look alike: the same picture cut, scaled or saved again.

Difference hash: of a picture shrunk to 8 × 9 grey values, each bit says whether a value is
greater than its right neighbour. Reference: N. Krawetz, "Kind of Like That" (2013).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ROWS, COLUMNS = 8, 9
AT_A_TIME = 256
"""Pictures, or rows of comparisons, that are in memory at a time."""


def difference_hashes(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """One hash a picture: uint64 (n,).

    Args:
        pixels: uint8 (n, height, width, channels), each side at least 9; may be a mapped file.
    """
    parts = [
        _hashes(pixels[start : start + AT_A_TIME]) for start in range(0, len(pixels), AT_A_TIME)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _hashes(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    grey = pixels.mean(axis=-1, dtype=np.float32)
    small = _shrunk(_shrunk(grey, 1, ROWS), 2, COLUMNS)
    bits = (small[:, :, :-1] > small[:, :, 1:]).reshape(len(pixels), 64)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def _shrunk(values: npt.NDArray[np.float32], axis: int, count: int) -> npt.NDArray[np.float32]:
    """Means of `count` neighbouring pieces along an axis."""
    edges = np.arange(count) * values.shape[axis] // count
    sizes = np.diff(edges, append=values.shape[axis]).astype(np.float32)
    shape = [1] * values.ndim
    shape[axis] = count
    sums = np.add.reduceat(values, edges, axis=axis)
    return np.asarray(sums / sizes.reshape(shape), np.float32)


def alike(
    hashes: npt.NDArray[np.uint64], most_bits: int, most_pairs: int
) -> list[tuple[int, int, int]]:
    """Pairs `(first, second, bits)` of hashes that differ in few bits, the most alike first.

    Args:
        hashes: uint64 (n,); the work grows with the square of n.
        most_bits: Bits in which two may differ, from 0 to 64.
        most_pairs: Pairs to give at most.
    """
    found: list[tuple[int, int, int]] = []
    for start in range(0, len(hashes), AT_A_TIME):
        rows = hashes[start : start + AT_A_TIME, None]
        bits = np.bitwise_count(rows ^ hashes[None, start:])
        firsts, seconds = np.nonzero(bits <= most_bits)
        upper = seconds > firsts
        firsts, seconds = firsts[upper], seconds[upper]
        near = bits[firsts, seconds]
        best = np.argsort(near, kind="stable")[:most_pairs]
        found += [(int(firsts[at]) + start, int(seconds[at]) + start, int(near[at])) for at in best]
        found = sorted(found, key=lambda pair: pair[2])[:most_pairs]
    return found
