"""Splits: which pictures train, and which only judge.

A picture's part is decided by a hash of its name and the seed, so a split needs no memory of
the order in which pictures came, and the same pictures are split the same way everywhere.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
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
) -> dict[str, Part]:
    """Parts of a site's labelled pictures, stratified by class.

    A part once assigned is kept, whatever the share, so that a picture that judged yesterday
    never trains today; new pictures fill each class's validation part up to its share, and
    leave each class at least one picture to train on.

    Args:
        labels: For each picture (named by its hash) its label.
        fraction: Share of each class that judges; 0 puts every new picture into training.
        seed: Decides which of a class's pictures judge.
        assigned: Parts assigned before.

    Returns:
        The part of each picture in `labels`.
    """
    if fraction == 0:
        return {key: (assigned or {}).get(key, "train") for key in labels}
    parts: dict[str, Part] = {}
    by_class: dict[str, list[str]] = defaultdict(list)
    for key, label in labels.items():
        by_class[label].append(key)
    for keys in by_class.values():
        kept = {key: assigned[key] for key in keys if assigned and key in assigned}
        judging = sum(part == "validation" for part in kept.values())
        wanted = _judging(len(keys), fraction)
        fresh = sorted(set(keys) - set(kept), key=lambda key: rank(key, seed))
        chosen = set(fresh[: max(0, wanted - judging)])
        parts |= kept | {key: "validation" if key in chosen else "train" for key in fresh}
    return parts


def training_count(counts: Mapping[str, int], fraction: float) -> int:
    """Pictures that train when `validation_split` meets a site's pictures for the first time.

    Where a plan with a larger share came before, fewer train: what judges goes on judging.

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
