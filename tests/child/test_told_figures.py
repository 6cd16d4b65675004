import pytest

from child.told_figures import told


@pytest.mark.parametrize(
    ("examples", "figure"), [(7, 0.7), (40, 0.66), (640, 0.657), (50_000, 0.657)]
)
def test_a_figure_has_as_many_digits_as_its_pictures_bear(examples: int, figure: float) -> None:
    assert told(0.65686, examples) == figure


def test_one_picture_among_many_does_not_move_what_is_told() -> None:
    # Of 10,000 pictures each moves accuracy by a ten-thousandth, and a mean loss by less.
    assert told(0.8312, 10_000) == told(0.8313, 10_000)
    assert told(0.417201, 40) == told(0.417202, 40)
