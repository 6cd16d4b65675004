"""How unlike one another the classes of sites are."""

from __future__ import annotations

import pytest

from master.audit.direction import mix_distances

EVEN = {"a": 50, "b": 50}


def test_a_site_of_one_class_among_even_ones_is_the_odd_one() -> None:
    # All sites together: (1.0 + 4 * 0.5) / 5 = 0.6 of a.
    assert mix_distances([{"a": 30, "b": 0}, *[EVEN] * 4]) == pytest.approx([0.4, *[0.1] * 4])


def test_a_site_that_announces_more_than_all_others_makes_none_of_them_odd() -> None:
    huge = mix_distances([{"a": 10**8, "b": 0}, *[EVEN] * 4])
    assert huge == pytest.approx([0.4, *[0.1] * 4])


def test_a_site_of_which_nothing_is_known_is_like_all() -> None:
    assert mix_distances([{}, {"a": 0}, EVEN, EVEN]) == [0.0] * 4
