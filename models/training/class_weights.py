"""How much a picture counts by its class."""

from __future__ import annotations

from typing import Literal

import numpy as np


def class_weights(
    labels: np.ndarray, num_classes: int, kind: Literal["none", "balanced"]
) -> np.ndarray:
    """The weight of a picture of each class, float32 (num_classes,).

    Args:
        labels: Class indices of the site's training part, integers (n,).
        num_classes: Classes of the study; the site may lack some.
        kind: `balanced`: all classes that the site has count alike, n / (present · n_k) for
            each picture of class k, so that the mean over the pictures is 1. `none`: 1 for all.

    References:
        G. King, L. Zeng, "Logistic Regression in Rare Events Data", Political Analysis 9, 2001;
        the formula is scikit-learn's `compute_class_weight("balanced")`.
    """
    if kind == "none":
        return np.ones(num_classes, np.float32)
    counts = np.bincount(labels, minlength=num_classes)
    present = np.count_nonzero(counts)
    # A class that the site lacks has no picture to weigh.
    return np.asarray(len(labels) / (present * np.maximum(counts, 1)), np.float32)
