"""k-fold cross-validation: every picture judges once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from federated.errors import InvalidInput


def folds_of(labels: np.ndarray, groups: Sequence[str], folds: int, seed: int) -> np.ndarray:
    """The fold that each picture judges in, int64 (n,), 0 to folds - 1.

    Stratified: each fold has its share of each class. A group, such as the pictures of one
    patient, is in one fold only, and counts for the class that it has most of.

    References:
        R. Kohavi, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and
        Model Selection", IJCAI 1995.

    Args:
        labels: Class indices, int (n,).
        groups: What each picture was taken from, str (n,).
        folds: How many, at least 2.
        seed: Decides who is in which.

    Raises:
        InvalidInput: A class has fewer groups than there are folds.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), int(labels.max()) + 1), dtype=np.int64)
    np.add.at(counts, (member, labels), 1)
    main, sizes = counts.argmax(axis=1), counts.sum(axis=1)
    rng = np.random.default_rng(seed)
    fold, held = np.empty(len(names), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(main == label))
        _check_enough(len(own), folds)
        of_class = np.zeros(folds, dtype=np.int64)
        # The large ones first, each to where the class has fewest so far.
        for group in own[np.argsort(-sizes[own], kind="stable")]:
            fold[group] = np.lexsort((held, of_class))[0]
            of_class[fold[group]] += sizes[group]
            held[fold[group]] += sizes[group]
    return fold[member]


def joined(groups: Sequence[str], pictures: Sequence[str]) -> list[str]:
    """For each picture the name of its group, groups that share a picture being one.

    A picture that lies in a data set twice would else train and judge.

    Args:
        groups: What each picture was taken from, str (n,).
        pictures: What each picture shows, such as the hash of its pixels, str (n,).
    """
    into = {group: group for group in groups}
    first: dict[str, str] = {}

    def end(group: str) -> str:
        while into[group] != group:
            # Halves the way for whoever goes it next.
            into[group] = into[into[group]]
            group = into[group]
        return group

    for group, picture in zip(groups, pictures, strict=True):
        into[end(group)] = end(first.setdefault(picture, group))
    return [end(group) for group in groups]


def _check_enough(groups: int, folds: int) -> None:
    if groups < folds:
        raise InvalidInput(
            "A class has fewer pictures, or patients, than there are folds",
            expected=f"at least {folds} of each class",
            received=groups,
        )
