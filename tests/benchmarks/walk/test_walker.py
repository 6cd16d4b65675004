"""A button is found by its text, whatever stands before and behind it."""

import pytest

from benchmarks.walk.walker import bare, ending


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("Start the run", True),
        ("play_arrow icon Start the run Shortcut Ctrl + Enter", True),
        ("Start\u00a0the run S", True),
        ("Start the run for good", False),
        ("Restart the run", False),
    ],
)
def test_a_name_ends_with_its_label_or_its_shortcut(name: str, fits: bool) -> None:
    assert bool(ending("Start the run").search(name)) == fits


def test_a_text_is_looked_for_without_its_marks() -> None:
    assert bare(":material/check: **Done** with `cnn10`") == "Done with cnn10"
