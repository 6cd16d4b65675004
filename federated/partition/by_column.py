"""Partition by what is known of a picture besides its class: age, part of the body, camera."""

from __future__ import annotations

import numpy as np

from federated.errors import InvalidInput
from federated.partition.by_label import Partition


def by_values(values: np.ndarray, sites: int, rng: np.random.Generator) -> Partition:
    """Pictures of the same value lie at the same site.

    Numbers are cut into as many bands as there are sites, of about the same size, the lowest
    at the first site. Other values go, the most frequent first, to the site with the fewest
    pictures so far. Pictures of which the value is not known (an empty text) are dealt out
    evenly.

    Args:
        values: Texts, str (n,).
        sites: Number of sites.
        rng: Source of who gets the pictures without a value.

    Raises:
        InvalidInput: There are fewer different values than sites.
    """
    known = np.flatnonzero(values != "")
    names, places, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    if len(names) < sites:
        raise InvalidInput(
            "The column has fewer different values than there are sites",
            expected=f"at least {sites}",
            received=f"{len(names)}: {', '.join(names[:8])}",
        )
    numbers = _numbers(names)
    holders = _lightest(counts, sites) if numbers is None else _bands(numbers, counts, sites)
    dealt = [known[holders[places] == site] for site in range(sites)]
    unknown = rng.permutation(np.flatnonzero(values == ""))
    return [np.sort(np.concatenate([own, unknown[k::sites]])) for k, own in enumerate(dealt)]


def _numbers(names: np.ndarray) -> np.ndarray | None:
    """The values as float (n,); None unless each is a finite number."""
    try:
        numbers = names.astype(np.float64)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _lightest(counts: np.ndarray, sites: int) -> np.ndarray:
    """The site of each value, int (n,)."""
    holders, held = np.zeros(len(counts), dtype=np.int64), np.zeros(sites, dtype=np.int64)
    for value in np.argsort(-counts, kind="stable"):
        holders[value] = held.argmin()
        held[holders[value]] += counts[value]
    return holders


def _bands(numbers: np.ndarray, counts: np.ndarray, sites: int) -> np.ndarray:
    """The site of each value, int (n,): neighbours together, every site with one at least."""
    order = np.argsort(numbers, kind="stable")
    reached = np.cumsum(counts[order])
    holders, start = np.zeros(len(numbers), dtype=np.int64), 0
    for site in range(1, sites):
        wanted = reached[-1] * site / sites
        end = int(np.abs(reached - wanted).argmin()) + 1
        # One value at least is left for this site, and for each after it.
        start = min(max(end, start + 1), len(numbers) - (sites - site))
        holders[order[start:]] = site
    return holders
