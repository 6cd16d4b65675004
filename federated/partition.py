"""Partitions: how one data set is dealt out to several sites, for studies of what that does.

All are seeded through a `numpy.random.Generator`, bounded, and deal out each picture once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from federated.errors import InvalidInput

Partition = list[np.ndarray]
"""For each site the indices (int64, sorted) of its pictures."""


def iid(labels: np.ndarray, sites: int, rng: np.random.Generator) -> Partition:
    """Deals each class out evenly: every site sees the same mixture.

    Args:
        labels: Class indices, int (n,).
        sites: Number of sites.
        rng: Source of the order.
    """
    dealt: list[list[int]] = [[] for _ in range(sites)]
    turn = 0
    for label in np.unique(labels):
        for index in rng.permutation(np.flatnonzero(labels == label)):
            dealt[turn % sites].append(int(index))
            turn += 1
    return [np.sort(np.array(indices, dtype=np.int64)) for indices in dealt]


def dirichlet(labels: np.ndarray, sites: int, rng: np.random.Generator, alpha: float) -> Partition:
    """Deals each class out by proportions drawn from a Dirichlet distribution.

    References:
        T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data
        Distribution for Federated Visual Classification", 2019. https://arxiv.org/abs/1909.06335

    Args:
        labels: Class indices, int (n,).
        sites: Number of sites.
        rng: Source of proportions and order.
        alpha: Concentration; small is uneven, large is even. Greater than 0.
    """
    dealt: list[list[np.ndarray]] = [[] for _ in range(sites)]
    for label in np.unique(labels):
        indices = rng.permutation(np.flatnonzero(labels == label))
        proportions = rng.dirichlet(np.full(sites, alpha))
        cuts = np.round(np.cumsum(proportions)[:-1] * len(indices)).astype(int)
        for site, part in enumerate(np.split(indices, cuts)):
            dealt[site].append(part)
    return [np.sort(np.concatenate(parts)).astype(np.int64) for parts in dealt]


def label_skew(labels: np.ndarray, sites: int, rng: np.random.Generator) -> Partition:
    """Site k never sees class k (modulo the number of classes); the rest is dealt evenly.

    Args:
        labels: Class indices, int (n,).
        sites: Number of sites; at least 2, or a class would be nowhere.
        rng: Source of the order.
    """
    classes = np.unique(labels)
    dealt: list[list[int]] = [[] for _ in range(sites)]
    for position, label in enumerate(classes):
        holders = [site for site in range(sites) if site % len(classes) != position]
        for turn, index in enumerate(rng.permutation(np.flatnonzero(labels == label))):
            dealt[holders[turn % len(holders)]].append(int(index))
    return [np.sort(np.array(indices, dtype=np.int64)) for indices in dealt]


PARTITIONS: Mapping[str, str] = MappingProxyType(
    {
        "iid": "every site sees the same mixture of classes",
        "dirichlet:A": "proportions drawn from a Dirichlet distribution with concentration A",
        "label-skew": "site k never sees class k",
    }
)


def partitioner(
    text: str,
) -> Callable[[np.ndarray, int, np.random.Generator], Partition]:
    """The partition that a text such as `dirichlet:0.3` asks for.

    Raises:
        InvalidInput: The text names no partition, or a wrong concentration.
    """
    name, _, argument = text.partition(":")
    if name == "iid" and not argument:
        return iid
    if name == "label-skew" and not argument:
        return _at_least_two
    if name == "dirichlet":
        alpha = _positive(argument)
        return lambda labels, sites, rng: dirichlet(labels, sites, rng, alpha)
    raise InvalidInput(
        "There is no such partition", expected=f"one of {sorted(PARTITIONS)}", received=text
    )


def _at_least_two(labels: np.ndarray, sites: int, rng: np.random.Generator) -> Partition:
    if sites < 2:
        raise InvalidInput("Label skew needs several sites", expected="2 or more", received=sites)
    return label_skew(labels, sites, rng)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise InvalidInput(
            "The Dirichlet concentration is wrong",
            expected="a number above 0, as in dirichlet:0.3",
            received=text or "nothing",
        )
    return value
