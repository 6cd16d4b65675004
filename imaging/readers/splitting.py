"""Splits of data sets that have none: by group, so that nothing learnt is also asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TypeVar

from federated.split import rank
from imaging.source import SourcePicture

Picture = TypeVar("Picture", bound=SourcePicture)


def split_groups(
    pictures: Sequence[Picture], fraction: float, seed: int
) -> tuple[list[Picture], list[Picture]]:
    """Pictures to learn from and pictures to judge by; a group is on one side only.

    Each class gives about `fraction` of its pictures: groups are taken in an order that the
    seed decides, as long as that brings the share closer, and one group of each class is left
    to learn from. A group of several classes counts for the one that it has most of. The same
    pictures are split the same way, in whatever order they come.

    Args:
        pictures: A data set.
        fraction: Share that judges, from 0 to below 1.
        seed: Decides which groups judge.

    Returns:
        Both parts, each in the order of `pictures`.
    """
    groups = defaultdict[str, list[Picture]](list)
    for picture in pictures:
        groups[picture.group].append(picture)
    by_class = defaultdict[str, list[str]](list)
    for name, members in groups.items():
        by_class[_main_class(members)].append(name)
    judging = set[str]()
    for names in by_class.values():
        sizes = {name: len(groups[name]) for name in names}
        judging |= _chosen(sizes, fraction, seed)
    learn = [picture for picture in pictures if picture.group not in judging]
    return learn, [picture for picture in pictures if picture.group in judging]


def _main_class(members: Sequence[SourcePicture]) -> str:
    """The class that most are of; of several such, the first by name."""
    counts = Counter(member.label for member in members)
    return min(counts, key=lambda label: (-counts[label], label))


def _chosen(sizes: dict[str, int], fraction: float, seed: int) -> set[str]:
    """Groups that judge, by their sizes."""
    wanted, taken = fraction * sum(sizes.values()), 0
    chosen = set[str]()
    *candidates, _ = sorted(sizes, key=lambda name: (rank(name, seed), name))
    for name in candidates:
        if abs(taken + sizes[name] - wanted) < abs(taken - wanted):
            chosen.add(name)
            taken += sizes[name]
    return chosen
