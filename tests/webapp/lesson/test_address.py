"""A lesson's address may have been written by anybody."""

import pytest

from webapp.lesson.address import round_of
from webapp.lesson.settings import ROUNDS


@pytest.mark.parametrize(
    ("written", "read"),
    [("3", 3), ("007", 7), ("9" * 5000, ROUNDS), ("-1", 0), ("١", 0), ("1e9", 0), ("", 0)],
)
def test_a_round_of_the_address_is_one_of_the_lesson(written: str, read: int) -> None:
    assert round_of({"round": written}) == read
