"""Examples by falling probability of one class: what every threshold's figures come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Ranking:
    """The examples by falling probability of one class.

    Attributes:
        order: Places of the examples, integers (n,).
        is_class: Whether each is of the class, in that order, bool (n,).
        ends: Place in `order` of the last of those that share a probability, (distinct,).
    """

    order: npt.NDArray[np.intp]
    is_class: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.intp]


def ranking_of(is_class: np.ndarray, score: np.ndarray) -> Ranking:
    """Sorts the examples of one class and the others, once for all that is asked of them.

    Args:
        is_class: bool (n,).
        score: The class's probability, float (n,).
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return Ranking(order, is_class[order], ends)
