import pytest

from webapp.views.plan_form import few


@pytest.mark.parametrize(
    ("sites", "buffer"), [(0, 1), (1, 1), (2, 2), (3, 2), (5, 2), (6, 3), (21, 10)]
)
def test_a_buffer_that_is_offered_can_be_filled_without_the_slowest(
    sites: int, buffer: int
) -> None:
    assert few(sites) == buffer
