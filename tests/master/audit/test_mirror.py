"""An update against its own site's pictures is told from an honest one, however odd its site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from federated.plan import AuditPolicy
from master.audit.finding import Weight
from master.audit.mirror import Errors, check_mirror, is_suspect, speaks_for
from master.mirror_reader import MirrorReader
from tests.master.audit.updates import SIGNATURE, Arrays, moved, weights

POLICY = AuditPolicy()
LABELS = ("a",) * 60 + ("b",) * 60
ONE_CLASS = {"a": 25}
BOTH = {"a": 30, "b": 12}


def errors(
    rng: np.random.Generator, a: float, b: float, mirrored: float = -1.0, noise: float = 0.05
) -> Errors:
    """An update that lowers the errors of each class by `a` and `b`; its mirror otherwise."""
    start = rng.uniform(0.4, 0.6, len(LABELS))
    change = np.where(np.array(LABELS) == "a", a, b) + rng.normal(0, noise, len(LABELS))
    return Errors(LABELS, start, start - change, start - mirrored * change)


def errors_of_many(like: Errors, times: int) -> Errors:
    """As many errors more, a third as large beside as much noise; its mirror image no better."""
    change = np.tile(like.update - like.start, times)
    smaller = change - change.mean() * 2 / 3
    start = np.tile(like.start, times)
    return Errors(like.labels * times, start, start + smaller, start + smaller)


def weight(found: Errors, counts: dict[str, int]) -> Weight:
    return check_mirror(found, counts, POLICY).weight


def test_a_site_of_one_class_may_make_all_others_worse(rng: np.random.Generator) -> None:
    found = errors(rng, 0.2, -0.3)
    assert weight(found, ONE_CLASS) is Weight.FITS
    assert not is_suspect(found, ONE_CLASS)
    # Of a site that has the other class too, or says so, the same is not honest.
    assert weight(found, {"a": 5, "b": 25}) is Weight.WRONG


def test_turned_signs_are_wrong_at_a_site_of_one_class_and_at_one_of_both(
    rng: np.random.Generator,
) -> None:
    found = errors(rng, -0.2, 0.3)
    assert is_suspect(found, ONE_CLASS)
    finding = check_mirror(found, ONE_CLASS, POLICY)
    assert finding.weight is Weight.WRONG
    assert "its exact opposite would do better by 0." in finding.sentence
    assert weight(errors(rng, -0.2, -0.2), BOTH) is Weight.WRONG


def test_who_trains_too_long_on_ten_pictures_spoils_both_sides(rng: np.random.Generator) -> None:
    found = errors(rng, -0.2, -0.2, mirrored=1.1, noise=0.5)
    assert is_suspect(found, BOTH)
    assert weight(found, BOTH) is Weight.FITS


@pytest.mark.parametrize("mirrored", [1.1, 5.0, None])
def test_great_harm_is_wrong_however_bad_somebody_has_made_the_mirror_image(
    rng: np.random.Generator, mirrored: float | None
) -> None:
    # Sure and large: 0.2 of an error that varies by 0.3 from picture to picture.
    found = errors(rng, -0.2, -0.2, mirrored=mirrored or 0.0, noise=0.3)
    found = found if mirrored else replace(found, mirror=None)
    finding = check_mirror(found, BOTH, POLICY)
    assert finding.weight is Weight.WRONG
    assert "whatever its opposite would do" in finding.sentence
    # On ten times the pictures a third of it is as sure, and not large.
    many = errors_of_many(found, 10)
    assert check_mirror(many, BOTH, POLICY).weight is not Weight.WRONG


def test_what_is_hardly_sure_is_noted_and_what_is_sure_and_tiny_is_too(
    rng: np.random.Generator,
) -> None:
    hardly = errors(rng, 0, 0, noise=1.0)
    shifted = hardly.update - hardly.start
    found = Errors(
        LABELS,
        hardly.start,
        hardly.start + (shifted - shifted.mean() + 3.5 * shifted.std() / 120**0.5),
    )
    found = found.with_mirror(2 * found.start - found.update)
    assert weight(found, {"a": 1, "b": 1}) is Weight.NOTED
    many = Errors(LABELS * 50, np.tile(found.start, 50), np.tile(found.update, 50))
    many = many.with_mirror(2 * many.start - many.update)
    strict, lenient = (AuditPolicy(mirror_size=size) for size in (0.2, 0.4))
    assert check_mirror(many, {"a": 1, "b": 1}, strict).weight is Weight.WRONG
    assert check_mirror(many, {"a": 1, "b": 1}, lenient).weight is Weight.NOTED


def test_a_swing_from_one_class_to_another_is_watched_and_counts(
    rng: np.random.Generator,
) -> None:
    swing = errors(rng, 0.1, -0.9)
    finding = check_mirror(swing, BOTH, POLICY)
    assert finding.weight is Weight.NOTED
    assert "it does one of its classes good" in finding.sentence
    assert not speaks_for(swing, BOTH)
    # A class that the site hardly has makes up for nothing.
    assert weight(swing, {"a": 9, "b": 41}) is Weight.WRONG
    assert weight(errors(rng, -0.02, -0.5), BOTH) is Weight.WRONG


def test_what_loses_speaks_for_nobody_whatever_its_mirror_image_does(
    rng: np.random.Generator,
) -> None:
    assert speaks_for(errors(rng, 0.2, -0.3), ONE_CLASS)
    for mirrored in (-1.0, 1.0, 5.0):
        assert not speaks_for(errors(rng, -0.2, -0.2, mirrored), BOTH)
    assert not speaks_for(errors(rng, 0.2, 0.2), {})
    assert not speaks_for(errors(rng, 0.2, 0.2), {"a": 8, "rare": 2})


def test_whose_mirror_image_computes_no_numbers_is_watched(rng: np.random.Generator) -> None:
    # A huge negative bias of a unit that is never on does nothing, and is infinite when turned.
    found = errors(rng, -0.2, -0.2, noise=0.5)
    finding = check_mirror(Errors(LABELS, found.start, found.update), BOTH, POLICY)
    assert finding.weight is Weight.NOTED
    assert "its opposite could not be measured" in finding.sentence
    assert (
        check_mirror(replace(errors(rng, 0.1, 0.1), mirror=None), BOTH, POLICY).weight
        == Weight.FITS
    )


@pytest.mark.parametrize(("counts", "why"), [({"c": 9}, "hardly have"), ({}, "nobody has told")])
def test_what_cannot_be_checked_is_told(
    rng: np.random.Generator, counts: dict[str, int], why: str
) -> None:
    finding = check_mirror(errors(rng, -0.2, 0.3), counts, POLICY)
    assert finding.weight is Weight.UNCHECKED
    assert why in finding.sentence


def test_a_mirror_image_turns_what_trains_and_keeps_the_statistics(
    rng: np.random.Generator,
) -> None:
    start = weights(rng)
    update = moved(start, weights(rng, 0.1))
    mirror = MirrorReader(update, start, SIGNATURE)
    turned = Arrays({name: mirror.get_tensor(name) for name in SIGNATURE.names})
    assert set(turned) == set(start)
    assert (turned["norm/variance"] == update["norm/variance"]).all()
    for name in ("conv/kernel", "head/bias"):
        np.testing.assert_allclose(
            turned[name] - start[name], start[name] - update[name], atol=1e-6
        )
        assert turned[name].dtype == np.float32
