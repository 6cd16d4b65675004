import json
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.figures import Figure, Report, ratio


def test_ratios_are_taken_repetition_by_repetition() -> None:
    ours = Figure("ours", "ours", (2.0, 8.0, 3.0), "s")
    plain = Figure("plain", "plain Keras", (1.0, 2.0, 3.0), "s")
    # 2, 4 and 1: the median is 2, while the ratio of the medians would be 1.5.
    assert ratio("ratio", "ours over plain", ours, plain).median == 2.0


def test_the_file_has_medians_and_settings(tmp_path: Path) -> None:
    report = Report("demo", [Figure("ours_seconds", "ours", (3.0, 1.0, 2.0), "s")], {"rounds": 5})
    report.write(tmp_path / "figures.json")
    document = json.loads((tmp_path / "figures.json").read_text())
    assert document["name"] == "demo"
    assert document["figures"] == {"ours_seconds": 2.0}
    assert document["settings"]["rounds"] == 5
    assert document["settings"]["cores"] >= 1
    assert "(1 to 3)" in report.table()


def test_without_a_name_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name in BENCHMARKS:
        assert f"{name}: " in printed


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_has_its_module(name: str) -> None:
    assert (Path("benchmarks") / f"{name}.py").exists()
