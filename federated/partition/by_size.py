"""Quantity skew: sites that differ in how much they hold, not in what."""

from __future__ import annotations

import numpy as np

from federated.partition.by_label import Partition


def quantity(labels: np.ndarray, sites: int, rng: np.random.Generator, alpha: float) -> Partition:
    """Deals the pictures out in sizes drawn from a Dirichlet distribution, whatever their class.

    References:
        Q. Li, Y. Diao, Q. Chen, B. He, "Federated Learning on Non-IID Data Silos: An
        Experimental Study", ICDE 2022, section III-D. https://arxiv.org/abs/2102.02079

    Args:
        labels: Class indices, int (n,).
        sites: Number of sites.
        rng: Source of sizes and order.
        alpha: Concentration; small is uneven, large is even. Greater than 0.
    """
    order = rng.permutation(len(labels))
    proportions = rng.dirichlet(np.full(sites, alpha))
    cuts = np.round(np.cumsum(proportions)[:-1] * len(order)).astype(int)
    return [np.sort(part) for part in np.split(order, cuts)]
