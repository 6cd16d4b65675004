"""The command line, as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imaging.__main__ import main
from imaging.batch_server import read_index
from imaging.packing import read_batch

ROOT = Path(__file__).parents[2]


def test_a_demo_set_is_drawn_and_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo, batches = str(tmp_path / "demo"), str(tmp_path / "batches")
    draw = ["synthetic", "--out", demo, "--count", "14", "--audit", "2", "--test", "2"]
    assert main([*draw, "--size", "24", "--seed", "3"]) == 0
    pack = ["batches", "--data", demo, "--out", batches, "--count", "2"]
    assert main([*pack, "--train", "5", "--validation", "2"]) == 0
    assert "18 synthetic pictures" in capsys.readouterr().out
    index = read_index(batches)[0]
    assert index.classes == ("benign", "malignant")
    assert [len(read_batch(Path(batches), one.sha256).train) for one in index.batches] == [5, 5]
    # A second time the folder is there already, and stays as it is.
    assert main([*pack, "--train", "5", "--validation", "2"]) == 1
    assert "not empty" in capsys.readouterr().err
    assert read_index(batches)[0] == index


def test_a_missing_folder_is_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imaging", "batches", "--data", "nowhere"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("There is no such folder.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["synthetic", "batches"])
def test_help_explains_each_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--count" in text
    assert "--seed" in text
