import pytest

from webapp.checklists.seven_points import MAJOR, MINOR, SUSPICIOUS, seven_points


def test_major_signs_count_twice() -> None:
    assert seven_points(()) == 0
    assert seven_points(["blue_white_veil"]) == 2
    assert seven_points(["regression", "irregular_dots"]) == 2
    assert seven_points([*MAJOR, *MINOR]) == 10


def test_a_major_and_a_minor_sign_reach_the_threshold() -> None:
    assert seven_points(["atypical_network", "irregular_streaks"]) == SUSPICIOUS


def test_a_sign_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="ulceration"):
        seven_points(["ulceration"])
