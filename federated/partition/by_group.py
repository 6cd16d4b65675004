"""Groups are dealt out whole: one picture stands for all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from federated.partition.by_label import Partition


def standing_for(values: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each picture the number of its group, and for each group what it counts for.

    Groups are numbered in the order of their first pictures, so that pictures that are each
    alone are dealt out as if there were no groups.

    Args:
        values: What is dealt by, (n,): class indices, or the texts of a column.
        groups: What each picture was taken from, str (n,).

    Returns:
        int64 (n,), and of each group the value that it has most of, of equally many the first.
    """
    numbers: dict[str, int] = {}
    member = np.array([numbers.setdefault(name, len(numbers)) for name in groups], np.int64)
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    names, codes = np.unique(values, return_inverse=True)
    for number, code in zip(member.tolist(), codes.tolist(), strict=True):
        counts[number][code] += 1
    most = [counts[number].most_common(1)[0][0] for number in range(len(numbers))]
    return member, names[np.array(most, np.int64)]


def with_members(parts: Partition, member: np.ndarray) -> Partition:
    """For each site the indices of its pictures, where `parts` are its groups' numbers."""
    return [np.flatnonzero(np.isin(member, part)) for part in parts]
