"""A picture's class from what a model says of its fragments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from imaging.errors import WrongPixels

Rule = Literal["majority", "mean"]

_SAME = 1e-9
"""Probabilities closer than this are the same: their sums depend on the order of fragments."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What fragments say together.

    Attributes:
        label: Index of the class.
        votes: For each class how many fragments are most of it.
        probabilities: For each class the mean over the fragments, 0 to 1.
        tied: Whether the rule alone found several classes to be first.
    """

    label: int
    votes: tuple[int, ...]
    probabilities: tuple[float, ...]
    tied: bool


def verdict(probabilities: npt.NDArray[Any], rule: Rule = "majority") -> Verdict:
    """The class of one picture.

    `majority` takes the class that most fragments are most of; of several such classes the one
    with the higher mean probability. `mean` takes the class with the highest mean probability.
    Where that is equal too, both take the class that comes first. A fragment whose classes are
    equally probable votes for the first of them.

    Args:
        probabilities: Float `(fragments, classes)`, 0 to 1, one fragment or more.
        rule: How fragments are counted.

    Raises:
        WrongPixels: The array has another shape, or holds something else than numbers.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise WrongPixels(
            "Fragments cannot vote on this",
            expected="numbers in an array (fragments, classes), one fragment or more",
            received=values.shape,
        )
    votes = np.bincount(values.argmax(1), minlength=values.shape[1])
    mean = values.mean(0)
    score = votes.astype(np.float64) if rule == "majority" else mean
    first = np.flatnonzero(score >= score.max() - _SAME)
    best = first[mean[first] >= mean[first].max() - _SAME][0]
    return Verdict(int(best), tuple(votes.tolist()), tuple(mean.tolist()), tied=len(first) > 1)


def verdicts(
    pictures: Sequence[str], probabilities: npt.NDArray[Any], rule: Rule = "majority"
) -> dict[str, Verdict]:
    """The class of each picture, in the order in which pictures first come.

    Args:
        pictures: For each fragment what it was cut from; `picture_of_fragment` knows by its name.
        probabilities: Float `(fragments, classes)`, in the same order.
        rule: How fragments are counted.

    Raises:
        WrongPixels: There are not as many fragments as rows, or `verdict` raises it.
    """
    if len(pictures) != len(probabilities):
        raise WrongPixels(
            "Each fragment needs its probabilities",
            expected=f"{len(pictures)} rows",
            received=len(probabilities),
        )
    rows: dict[str, list[int]] = {}
    for row, picture in enumerate(pictures):
        rows.setdefault(picture, []).append(row)
    return {picture: verdict(probabilities[own], rule) for picture, own in rows.items()}
