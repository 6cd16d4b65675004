"""Medians of the others: what one update is compared with is not made by itself."""

from __future__ import annotations

import numpy as np

TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""


def medians_of_others(values: np.ndarray) -> np.ndarray:
    """For each row the median of all other rows, column by column, in one sort.

    Args:
        values: float (n, k), at least two rows.

    Returns:
        float64 (n, k).
    """
    count = len(values)
    order = np.argsort(values, axis=0, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(count)[:, None], axis=0)
    ordered = np.take_along_axis(values, order, axis=0).astype(np.float64)
    low, high = (count - 2) // 2, (count - 1) // 2
    columns = np.arange(values.shape[1])
    # Behind the row that is left out, everything moves up by one.
    lower = ordered[low + (ranks <= low), columns]
    upper = ordered[high + (ranks <= high), columns]
    medians: np.ndarray = (lower + upper) / 2
    return medians


def spreads_of_others(values: np.ndarray) -> np.ndarray:
    """For each value the median absolute deviation of all others, scaled to a standard deviation.

    Args:
        values: float (n,), at least two.

    Returns:
        float64 (n,).
    """
    medians = medians_of_others(values[:, None])[:, 0]
    spreads = np.empty(len(values))
    for row, median in enumerate(medians):
        spreads[row] = np.median(np.abs(np.delete(values, row) - median))
    return TO_SIGMA * spreads
