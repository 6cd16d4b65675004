"""Verdicts of the audit on honest sites with odd pictures, and on dishonest ones.

Heads on frozen features of real pictures, if the folder `shared/data` lies beside the project,
else on drawn ones. Each federation has a site of ten pictures and one of a single class; the
thresholds are the defaults of `AuditPolicy`, chosen on other seeds.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.accuracy import REAL_PICTURES
from benchmarks.figures import Figure, Report
from benchmarks.odd_sites.features import drawn, made, standardised
from benchmarks.odd_sites.federation import KINDS, Federation, Judged, odd_sites
from benchmarks.odd_sites.heads import Recipe
from federated.plan import AuditPolicy

DATA = ("skin_binary", "skin_ham7")
ROUNDS = 4
SITES = 14
FIRST_SEED, SEEDS = 500, 10
RECIPES = {
    "dirichlet:0.1": (
        Recipe(0, 1, True, 1e-3),
        Recipe(0, 5, False, 0.05),
        Recipe(32, 1, True, 1e-3),
        Recipe(32, 5, True, 1e-3),
        Recipe(32, 3, False, 0.05),
    ),
    "iid": (Recipe(0, 1, True, 1e-3), Recipe(32, 2, True, 1e-3), Recipe(32, 2, False, 0.05)),
    "dirichlet:0.5": (Recipe(32, 2, True, 1e-3),),
}


def run(quick: bool) -> Report:
    """Counts the verdicts by partition and by what was sent."""
    seeds = range(FIRST_SEED, FIRST_SEED + (1 if quick else SEEDS))
    counts: Counter[tuple[str, str | None, bool]] = Counter()
    real = REAL_PICTURES.is_dir()
    with tempfile.TemporaryDirectory() as folder:
        for name in DATA:
            features = (
                made(REAL_PICTURES.parent / name, Path(folder) / f"{name}.npz") if real else None
            )
            for seed in seeds:
                for partition, judged in _judged(features, seed):
                    counts[partition, judged.kind, judged.rejected] += 1
    settings = {"data": list(DATA) if real else "drawn", "rounds": ROUNDS, "seeds": list(seeds)}
    return Report("audit", list(_figures(counts)), settings)


def share_interval(count: int, whole: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, Journal of the American Statistical Association 22, 1927).

    Verdicts of one round depend on one another, so it is a little too narrow.
    """
    z, share = 1.96, count / whole
    middle = (share + z**2 / (2 * whole)) / (1 + z**2 / whole)
    half = z / (1 + z**2 / whole) * (share * (1 - share) / whole + z**2 / (4 * whole**2)) ** 0.5
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def _judged(features: dict[str, np.ndarray] | None, seed: int) -> Iterator[tuple[str, Judged]]:
    for partition, recipes in RECIPES.items():
        for recipe in recipes:
            rng = np.random.default_rng(seed)
            pictures = drawn(4, 1500, rng) if features is None else standardised(features, rng)
            parts = odd_sites(pictures.y, partition, SITES, rng)
            federation = Federation(pictures, parts, recipe, AuditPolicy(), rng)
            for number in range(1, ROUNDS + 1):
                for judged in federation.round(KINDS if number in (1, 2, ROUNDS) else ()):
                    yield partition, judged


def _figures(counts: Mapping[tuple[str, str | None, bool], int]) -> Iterator[Figure]:
    """Shares that were rejected, in percent, each with its 95 % interval."""
    for kind in (None, *KINDS):
        for partition in RECIPES:
            rejected, kept = counts[partition, kind, True], counts[partition, kind, False]
            whole = rejected + kept
            if not whole:
                continue
            low, high = share_interval(rejected, whole)
            name = f"{kind or 'honest'}_rejected_{partition.replace(':', '_').replace('.', '_')}"
            meaning = f"{kind or 'honest'}, {partition}: {rejected} of {whole} rejected"
            values = (100 * low, 100 * rejected / whole, 100 * high)
            yield Figure(name, meaning, values, "%")
