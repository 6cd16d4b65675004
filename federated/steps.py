"""The steps of an update: what its pictures and the plan make them, not what a site claims.

Rules that divide by steps would let a site decide how much it counts: a claim of few steps makes
its update large beside the others', a claim of many makes the others' large.
"""

from __future__ import annotations

import math

from federated.training import Training


def steps_of(training: Training, num_examples: int, claimed: int) -> int:
    """The optimiser steps that an update stands for.

    A training is epochs times the batches of one, and is delivered only when it is over. Where
    it may stop early the site alone knows after which epoch: it is believed from one epoch on,
    up to all of them.

    Args:
        training: How the update was to be trained.
        num_examples: Pictures that it was trained on, at least 1.
        claimed: Steps that it tells of.

    Returns:
        0 where the update claims none, or the plan trains nothing.
    """
    epoch = steps_of_epoch(training, num_examples)
    most = training.epochs * epoch
    if not claimed or not most:
        return 0
    return most if training.early_stopping is None else min(max(claimed, epoch), most)


def steps_of_epoch(training: Training, num_examples: int) -> int:
    """The optimiser steps of one pass over so many pictures, at least 1 of them."""
    return math.ceil(num_examples / training.batch_size)
