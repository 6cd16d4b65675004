"""The audit's verdicts on honest sites with odd pictures, and on planted faults: a small count."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.audit import share_interval
from benchmarks.odd_sites.features import drawn
from benchmarks.odd_sites.federation import KINDS, Federation, odd_sites
from benchmarks.odd_sites.heads import Recipe
from federated.plan import AuditPolicy

RECIPE = Recipe(hidden=0, epochs=3, adam=True, rate=5e-3)


def counted(partition: str, seeds: range) -> Counter[tuple[str | None, bool]]:
    counts: Counter[tuple[str | None, bool]] = Counter()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        pictures = drawn(3, 700, rng)
        parts = odd_sites(pictures.y, partition, 12, rng)
        federation = Federation(pictures, parts, RECIPE, AuditPolicy(), rng)
        for number in range(3):
            kinds = KINDS if number == 2 else ()
            counts.update((judged.kind, judged.rejected) for judged in federation.round(kinds))
    return counts


def test_no_honest_site_with_odd_pictures_is_rejected() -> None:
    counts = counted("dirichlet:0.1", range(3))
    assert counts[None, True] == 0
    assert counts[None, False] > 50


def test_every_planted_fault_is_caught_where_the_sites_are_alike() -> None:
    counts = counted("iid", range(3))
    assert {kind for kind, rejected in counts if not rejected} == {None}
    assert {kind for kind, rejected in counts if rejected} == set(KINDS)


def test_the_interval_of_a_share() -> None:
    low, high = share_interval(0, 1000)
    assert (low, high) == (0.0, pytest.approx(0.0038, abs=1e-4))
    low, high = share_interval(30, 40)
    assert (low, high) == (pytest.approx(0.598, abs=1e-3), pytest.approx(0.858, abs=1e-3))
