"""A pool shared out in proportion to merit, to the thousandth. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

UNIT = 1000
"""Amounts are whole thousandths of a credit, so that they sum to the pool exactly."""


def share_out(pool: int, merits: Mapping[str, float]) -> dict[str, int]:
    """Shares a pool in proportion to merit, by largest remainder; ties go by name.

    Args:
        pool: Credits to hand out.
        merits: For each receiver a finite merit of at least 0.

    Returns:
        For each receiver its thousandths; they sum to `pool` thousandfold, or there are
        none where no receiver has any merit.
    """
    exact = {name: Fraction(merit) for name, merit in merits.items()}
    total = sum(exact.values())
    if total <= 0:
        return {}
    quotas = {name: merit / total * pool * UNIT for name, merit in exact.items()}
    shares = {name: int(quota) for name, quota in quotas.items()}
    left = pool * UNIT - sum(shares.values())
    by_remainder = sorted(shares, key=lambda name: (shares[name] - quotas[name], name))
    return shares | {name: shares[name] + 1 for name in by_remainder[:left]}
