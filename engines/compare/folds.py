"""k-fold cross-validation: every picture judges once."""

from __future__ import annotations

import numpy as np

from federated.errors import InvalidInput


def folds_of(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold that each picture judges in, int64 (n,), 0 to folds - 1; stratified by class.

    References:
        R. Kohavi, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and
        Model Selection", IJCAI 1995.

    Args:
        labels: Class indices, int (n,).
        folds: How many, at least 2.
        seed: Decides who is in which.

    Raises:
        InvalidInput: A class has fewer pictures than there are folds.
    """
    _, counts = np.unique(labels, return_counts=True)
    if counts.min() < folds:
        raise InvalidInput(
            "A class has fewer pictures than there are folds",
            expected=f"at least {folds} of each",
            received=int(counts.min()),
        )
    rng = np.random.default_rng(seed)
    fold = np.empty(len(labels), dtype=np.int64)
    turn = 0
    for label in np.unique(labels):
        chosen = rng.permutation(np.flatnonzero(labels == label))
        # Each class goes on where the one before stopped, so that folds are of one size.
        fold[chosen] = (turn + np.arange(len(chosen))) % folds
        turn += len(chosen)
    return fold
