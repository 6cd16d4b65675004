"""How far an update goes, against the round's others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from federated.plan import AuditPolicy
from federated.training import Training
from master.audit.finding import Finding, Weight
from master.audit.robust import medians_of_others, spreads_of_others

LEAST_FACTOR = 1e-3
"""Who goes less far than this part of the others' median, step for step, has hardly trained."""

SMALLEST = 1e-12
"""Stands for the length of a change that is none, where logarithms are taken."""


def steps_of(num_examples: int, training: Training) -> int:
    """Optimiser steps of a training on so many pictures."""
    return training.epochs * math.ceil(num_examples / training.batch_size)


def check_norms(norms: Sequence[float], steps: Sequence[int], policy: AuditPolicy) -> list[Finding]:
    """One finding for each update of a round; only one that goes much further is odd or wrong.

    Sites with few pictures take few steps and go less far: that is no sign of anything. Who has
    taken more steps than the others may go as many times further, who has taken fewer need go
    only as many times less far. An update that hardly goes anywhere is odd all the same: weights
    that came from the master with a little noise would look like that.

    Args:
        norms: Length of the change of each update; at least two.
        steps: Optimiser steps that each was to take with its pictures.
        policy: `odd_factor`, `norm_factor` and `norm_deviations`.
    """
    logs = np.log(np.maximum(np.asarray(norms, dtype=np.float64), SMALLEST))
    taken = np.maximum(np.asarray(steps, dtype=np.float64), 1.0)
    above = logs - medians_of_others(logs[:, None])[:, 0]
    relative = taken / medians_of_others(taken[:, None])[:, 0]
    rows = zip(above, relative, spreads_of_others(logs), strict=True)
    return [
        _finding(float(high), float(times), float(spread), policy) for high, times, spread in rows
    ]


def _finding(above: float, times: float, spread: float, policy: AuditPolicy) -> Finding:
    shown = f"It goes {math.exp(above):.3g} times as far as the median of the others"
    more = max(times, 1.0)
    if above < math.log(LEAST_FACTOR * min(times, 1.0)):
        return Finding(f"{shown}: hardly anywhere, although it was to train.", Weight.ODD)
    if more > 1:
        shown = f"{shown}, in {more:.3g} times as many steps"
    excess = above - math.log(more)
    if excess <= math.log(policy.odd_factor) or excess <= policy.norm_deviations * spread:
        return Finding(f"{shown}.")
    if excess <= math.log(policy.norm_factor):
        return Finding(f"{shown}: unusually far.", Weight.ODD)
    return Finding(f"{shown}, over {policy.norm_factor:g} times: too far.", Weight.WRONG)
