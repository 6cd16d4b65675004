"""How far an update goes, against the round's others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from federated.plan import AuditPolicy
from master.audit.finding import Finding, Weight
from master.audit.robust import medians_of_others, spreads_of_others

SMALLEST = 1e-12
"""Stands for the length of a change that is none, where logarithms are taken."""


def check_norms(norms: Sequence[float], policy: AuditPolicy) -> list[Finding]:
    """One finding for each update of a round; only one that goes much further is odd or wrong.

    Sites with few pictures take few steps and go less far: that is no sign of anything.

    Args:
        norms: Length of the change of each update; at least two.
        policy: `odd_factor`, `norm_factor` and `norm_deviations`.
    """
    logs = np.log(np.maximum(np.asarray(norms, dtype=np.float64), SMALLEST))
    medians = medians_of_others(logs[:, None])[:, 0]
    above, spreads = logs - medians, spreads_of_others(logs)
    return [
        _finding(float(np.exp(high)), float(high), float(spread), policy)
        for high, spread in zip(above, spreads, strict=True)
    ]


def _finding(factor: float, above: float, spread: float, policy: AuditPolicy) -> Finding:
    shown = f"It goes {factor:.3g} times as far as the median of the others"
    if factor <= policy.odd_factor or above <= policy.norm_deviations * spread:
        return Finding(f"{shown}.")
    if factor <= policy.norm_factor:
        return Finding(f"{shown}: unusually far.", Weight.ODD)
    return Finding(f"{shown}, over {policy.norm_factor:g} times: too far.", Weight.WRONG)
