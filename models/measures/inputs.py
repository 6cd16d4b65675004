"""What measures are taken of, checked before anything is computed."""

from __future__ import annotations

import numpy as np

from federated.errors import InvalidInput

TOLERANCE = 1e-3
"""How far a row of probabilities may be from 1 in sum; half precision needs it."""


def check_examples(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> None:
    """Makes sure that these are labels and probabilities of the same examples.

    Args:
        labels: Class indices, integers (n,).
        probabilities: (n, classes).
        num_classes: Classes of the study.

    Raises:
        InvalidInput: They do not fit each other, or are no labels or no probabilities.
    """
    if len(labels) == 0 or probabilities.shape != (len(labels), num_classes):
        raise InvalidInput(
            "Labels and probabilities do not fit each other",
            expected=f"labels (n,) and probabilities (n, {num_classes}), n at least 1",
            received=f"{labels.shape} and {probabilities.shape}",
        )
    if not np.issubdtype(labels.dtype, np.integer) or not (
        0 <= labels.min() <= labels.max() < num_classes
    ):
        raise InvalidInput(
            "A label is no class of this study",
            expected=f"integers from 0 to {num_classes - 1}",
            received=f"{labels.dtype} from {labels.min()} to {labels.max()}",
        )
    sums = probabilities.sum(axis=1)
    # NaN fails every comparison, so that it is refused here too.
    if not (np.all(probabilities >= 0) and np.allclose(sums, 1.0, atol=TOLERANCE)):
        raise InvalidInput(
            "These are no probabilities",
            expected="finite rows of numbers from 0 to 1 that sum to 1",
            received=f"rows that sum to {sums.min():g} … {sums.max():g}",
        )
