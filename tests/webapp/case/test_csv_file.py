import csv
import io

import pytest

from tests.webapp.case.told import case
from webapp.case.csv_file import case_csv
from webapp.language import speaking


def lines(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document.decode("utf-8-sig"))))


def test_a_line_a_value_with_codes_that_no_language_changes() -> None:
    found = {(line["field"], line["item"]): line["value"] for line in lines(case_csv(case()))}
    assert found["probability", "malignant"] == "0.82"
    assert found["quality", "focus"] == "blurred"
    assert found["abcd", "total"] == "4.9"
    assert found["abcd", "meaning"] == "suspicious"
    assert found["seven_points", "total"] == "3"
    assert (found["agreement", ""], found["own_label", ""]) == ("disagree", "benign")
    assert "Not a medical device" in found["limits", ""]
    with speaking("ru"):
        other = lines(case_csv(case()))
    assert [(line["field"], line["item"]) for line in other if line["field"] != "removed"] == [
        key for key in found if key[0] != "removed"
    ]


@pytest.mark.parametrize("start", ["=", "-", "\t=", "\u00a0@"])
def test_nothing_a_stranger_wrote_is_a_formula(start: str) -> None:
    hostile = f"{start}HYPERLINK(0)"
    told = case(classes=(hostile, "benign"), reference=hostile)
    cells = {cell for line in lines(case_csv(told)) for cell in line.values()}
    assert hostile not in cells
    assert f"'{hostile}" in cells


def test_what_was_left_open_is_not_there() -> None:
    fields = {line["field"] for line in lines(case_csv(case(is_open=True)))}
    assert not fields & {"abcd", "seven_points"}
