"""What audit pictures say where they are mixed as a site's own classes are.

A site that has one class only makes its model better at that class and worse at all others: on
the audit pictures as they are, that looks like harm; on those of its class it does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 5
"""Audit pictures of a class without which nothing is said of it."""

COVERED = 0.9
"""Share of a site's pictures whose classes are among the audit pictures, that is enough."""

SMALLEST = 1e-3
"""The values of single pictures are taken to vary by this much at least."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A mean over audit pictures that are mixed as a site's classes are.

    Attributes:
        mean: Of the values, each class weighted as at the site.
        error: Its standard error.
        spread: Standard deviation of single values, weighted likewise.
        pictures: Pictures of an even mixture that would tell as much.
    """

    mean: float
    error: float
    spread: float
    pictures: float

    @property
    def deviations(self) -> float:
        """The mean in its standard errors."""
        return self.mean / self.error

    @property
    def size(self) -> float:
        """The mean in spreads of single values (Cohen's d), which more pictures do not raise."""
        return self.mean / self.spread


def mixed(values: np.ndarray, labels: Sequence[str], counts: Mapping[str, int]) -> Mixed | None:
    """The mean of a value of each audit picture, as if these were mixed like a site's.

    Args:
        values: float (n,).
        labels: The class of each picture.
        counts: Pictures of the site by class.

    Returns:
        None where too many of the site's pictures are of classes that the audit pictures lack.
    """
    names, classes = np.array(labels), {name for name, count in counts.items() if count > 0}
    found = {name: values[names == name].astype(np.float64) for name in sorted(classes)}
    found = {name: own for name, own in found.items() if len(own) >= FEWEST}
    whole, known = sum(counts.values()), sum(counts[name] for name in found)
    if not found or known < COVERED * whole:
        return None
    shares = np.array([counts[name] / known for name in found])
    sizes = np.array([len(own) for own in found.values()])
    mean = float(shares @ [own.mean() for own in found.values()])
    # A handful of pictures may lie close together by chance: they are not surer than all are.
    inside = np.array([own.var(ddof=1) for own in found.values()])
    inside = np.maximum(inside, max(shares @ inside, SMALLEST**2))
    squares = [((own - mean) ** 2).mean() for own in found.values()]
    return Mixed(
        mean=mean,
        error=math.sqrt(float(np.sum(shares**2 * inside / sizes))),
        spread=max(SMALLEST, float(shares @ squares) ** 0.5),
        pictures=1 / float(np.sum(shares**2 / sizes)),
    )
