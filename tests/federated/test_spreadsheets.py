import pytest

from federated.spreadsheets import guarded


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", "\t=", " =", "\u00a0@", "\uff1d", "\uff0b", " \uff20"],
)
def test_what_a_stranger_wrote_is_text(start: str) -> None:
    assert guarded(f"{start}HYPERLINK(0)") == f"'{start}HYPERLINK(0)"


@pytest.mark.parametrize("cell", [-0.5, 3, None, "", "benign", "a-b", "2026-11-20", "мяч", "肿瘤"])
def test_what_is_no_formula_stays_as_it_is(cell: object) -> None:
    assert guarded(cell) == cell
