"""How far an update may go: it depends on how much its site has trained."""

from __future__ import annotations

import numpy as np

from benchmarks.odd_sites.heads import Recipe, fresh, train
from federated.plan import AuditPolicy
from federated.training import Training
from master.audit.finding import Weight
from master.audit.norm import check_norms, steps_of

TRAINING = Training(epochs=2, batch_size=32)


def weights_of(norms: list[float], steps: list[int]) -> list[Weight]:
    return [finding.weight for finding in check_norms(norms, steps, AuditPolicy())]


def test_steps_are_those_of_the_pictures_and_not_those_that_are_claimed() -> None:
    assert steps_of(65, TRAINING) == 6
    assert steps_of(10, TRAINING) == 2


def test_a_site_with_many_pictures_among_tiny_ones_goes_further_and_counts(rng) -> None:
    sizes = [10, 10, 10, 10, 1500]
    recipe = Recipe(hidden=0, epochs=2, adam=False, rate=0.005)
    centres = rng.normal(0, 1, (3, 20))
    start = fresh(20, 3, 0, rng)
    norms = []
    for size in sizes:
        y = rng.integers(0, 3, size)
        after = train(start, centres[y] + rng.normal(0, 1, (size, 20)), y, recipe, rng)
        norms.append(float(np.sqrt(sum(((after[n] - start[n]) ** 2).sum() for n in start))))
    steps = [steps_of(size, TRAINING) for size in sizes]
    # Fifteen times as far as the others is too far for who has trained no longer than they.
    assert norms[-1] > 15 * np.median(norms[:-1])
    assert weights_of(norms, [2] * 5)[-1] is Weight.WRONG
    assert weights_of(norms, steps) == [Weight.FITS] * 5
    # Beyond what its steps explain it is too far as well.
    assert weights_of([*norms[:-1], 100 * norms[-1]], steps)[-1] is Weight.WRONG


def test_who_trained_less_than_the_others_may_go_no_further_for_it() -> None:
    assert weights_of([1.0, 1.1, 0.9, 1.0, 20.0], [60, 60, 60, 60, 2])[-1] is Weight.WRONG


def test_who_goes_hardly_anywhere_is_odd_unless_its_few_steps_explain_that() -> None:
    assert weights_of([1.0, 1.1, 0.9, 1.0, 9e-4], [60] * 5)[-1] is Weight.ODD
    assert weights_of([1.0, 1.1, 0.9, 1.0, 2e-3], [60] * 5)[-1] is Weight.FITS
    assert weights_of([1.0, 1.1, 0.9, 1.0, 9e-4], [60, 60, 60, 60, 20])[-1] is Weight.FITS
