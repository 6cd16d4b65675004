"""Splits: which pictures train, and which only judge.

A picture's part is decided by a hash of its name and the seed, so a split needs no memory of
the order in which pictures came, and the same pictures are split the same way everywhere.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

Part = Literal["train", "validation"]


def rank(key: str, seed: int) -> int:
    """A number between 0 and 2**64 that `key` and `seed` alone decide."""
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def validation_split(
    labels: Mapping[str, str],
    *,
    fraction: float,
    seed: int,
    assigned: Mapping[str, Part] | None = None,
    groups: Mapping[str, str] | None = None,
) -> dict[str, Part]:
    """Parts of a site's labelled pictures, stratified by class.

    A part once assigned is kept, whatever the share, so that a picture that judged yesterday
    never trains today; new pictures fill each class's validation part up to its share, and
    leave each class at least one picture to train on.

    Pictures of one group have one part. A new one gets that of its group; a new group judges
    where no class of it comes to more than its share, so that a class of few large groups may
    have no picture that judges. What a group is called decides nothing.

    Args:
        labels: For each picture (named by its hash) its label.
        fraction: Share of each class that judges; 0 puts every new picture into training, but
            for those of groups that judge.
        seed: Decides which of a class's pictures judge.
        assigned: Parts assigned before; those of pictures that have no label now bind their
            groups too.
        groups: What pictures were taken from; a picture that is not in here is its own group.

    Returns:
        The part of each picture in `labels`.
    """
    assigned, groups = assigned or {}, groups or {}
    bound = _bound(assigned, groups)
    parts: dict[str, Part] = {}
    free: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for key in labels:
        grouped = key in groups
        part = assigned.get(key) or (bound.get(groups[key]) if grouped else None)
        if part is None:
            free[grouped, groups[key] if grouped else key].append(key)
        else:
            parts[key] = part
    judging = Counter(labels[key] for key, part in parts.items() if part == "validation")
    wanted = {label: _judging(count, fraction) for label, count in Counter(labels.values()).items()}
    for keys in sorted(free.values(), key=lambda keys: rank(min(keys), seed)):
        own = Counter(labels[key] for key in keys)
        judges = all(judging[label] + count <= wanted[label] for label, count in own.items())
        parts |= dict.fromkeys(keys, "validation" if judges else "train")
        if judges:
            judging.update(own)
    return parts


def _bound(assigned: Mapping[str, Part], groups: Mapping[str, str]) -> dict[str, Part]:
    """The part of each group that has one; where a group has come to both, it trains."""
    bound: dict[str, Part] = {}
    for key, part in assigned.items():
        if key in groups and bound.get(groups[key]) != "train":
            bound[groups[key]] = part
    return bound


def training_count(counts: Mapping[str, int], fraction: float) -> int:
    """Pictures that train when `validation_split` meets a site's pictures for the first time.

    Where a plan with a larger share came before, fewer train: what judges goes on judging, and
    so do new pictures of its groups. Groups that do not fit into the share leave more to train.

    Args:
        counts: Labelled pictures by class.
        fraction: Share of each class that judges.
    """
    return sum(count - _judging(count, fraction) for count in counts.values())


def _judging(count: int, fraction: float) -> int:
    """How many of a class's pictures judge; at least one of them trains."""
    return max(0, min(round(fraction * count), count - 1))


def stratified_parts(
    labels: Mapping[str, str], fractions: Sequence[tuple[str, float]], seed: int
) -> dict[str, str]:
    """Deals each class's pictures out to several parts by share; used once, by the master.

    Args:
        labels: For each picture its label.
        fractions: Names and shares of the parts; the shares sum to 1.
        seed: Decides which picture goes where.
    """
    parts: dict[str, str] = {}
    by_class: dict[str, list[str]] = defaultdict(list)
    for key, label in labels.items():
        by_class[label].append(key)
    for keys in by_class.values():
        ordered = sorted(keys, key=lambda key: rank(key, seed))
        start, share = 0, 0.0
        for name, fraction in fractions:
            share += fraction
            end = round(share * len(ordered))
            parts |= dict.fromkeys(ordered[start:end], name)
            start = end
    return parts
