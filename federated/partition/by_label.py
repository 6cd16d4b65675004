"""Partitions by class: which site sees which classes, and how many of each."""

from __future__ import annotations

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
        sites: Number of sites.
        rng: Source of the order.

    Raises:
        InvalidInput: There is one site only, or one class: it would be nowhere.
    """
    if sites < 2:
        raise InvalidInput("Label skew needs several sites", expected="2 or more", received=sites)
    classes = np.unique(labels)
    if len(classes) < 2:
        # Groups count for one class each, and may all count for the same.
        raise InvalidInput(
            "Label skew needs several classes", expected="2 or more", received=len(classes)
        )
    dealt: list[list[int]] = [[] for _ in range(sites)]
    for position, label in enumerate(classes):
        holders = [site for site in range(sites) if site % len(classes) != position]
        for turn, index in enumerate(rng.permutation(np.flatnonzero(labels == label))):
            dealt[holders[turn % len(holders)]].append(int(index))
    return [np.sort(np.array(indices, dtype=np.int64)) for indices in dealt]


def shards(labels: np.ndarray, sites: int, rng: np.random.Generator, count: int) -> Partition:
    """Sorts by class, cuts into shards of the same size, gives each site `count` of them.

    A site so sees few classes: with 2 shards a site, about two.

    References:
        H. B. McMahan et al., "Communication-Efficient Learning of Deep Networks from
        Decentralized Data", AISTATS 2017, section 3. https://arxiv.org/abs/1602.05629

    Args:
        labels: Class indices, int (n,).
        sites: Number of sites.
        rng: Source of the order within a class, and of who gets which shard.
        count: Shards of each site, at least 1.

    Raises:
        InvalidInput: There are fewer pictures than shards.
    """
    if sites * count > len(labels):
        raise InvalidInput(
            "There are fewer pictures than shards (a group that stays together counts once)",
            expected=f"at least {sites * count} pictures for {count} shards at {sites} sites",
            received=len(labels),
        )
    mixed = rng.permutation(len(labels))
    cut = np.array_split(mixed[np.argsort(labels[mixed], kind="stable")], sites * count)
    turns = rng.permutation(sites * count).reshape(sites, count)
    return [np.sort(np.concatenate([cut[shard] for shard in own])) for own in turns]
