"""The command line as a real process, as far as it goes without a server."""

import os
import subprocess
import sys

import pytest

from engines.processes.servers import ROOT, server_environment
from tests.e2e.pictures import write_dataset


def run(*arguments, folder=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "engines.processes", *arguments],
        cwd=folder,
        env=server_environment(os.environ) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--data", "/no/such/folder"), "--data names no folder"),
        (("--data", str(ROOT / "federated")), "There are no labelled pictures here"),
    ],
)
def test_a_training_that_cannot_be_says_why_in_one_line(arguments, sentence):
    result = run("train", *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", "data"), "--out names something that is not a file"),
        (("--out", "out.json", "--state", "data"), "The state folder is in use already"),
        (("--out", "kept.json"), "The state folder is in use already"),
        (("--partition", "fair"), "There is no such partition"),
        (("--preset", "nothing"), "There is no such preset"),
        (("--learning-rate", "nan"), "learning_rate is wrong"),
    ],
)
def test_what_is_wrong_is_said_before_a_server_starts(tmp_path, arguments, sentence):
    write_dataset(tmp_path / "data", {"blue": 2, "red": 3}, test=1)
    (tmp_path / "kept.json.state").mkdir()
    (tmp_path / "kept.json.state" / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    result = run("train", "--data", "data", *arguments, folder=tmp_path)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_help_is_printed_for_everything():
    result = run("--help")
    assert result.returncode == 0
    assert "--port-base" in result.stdout
    assert "--partition" in result.stdout


def test_the_engine_itself_does_not_import_tensorflow():
    code = "import sys, engines.processes.__main__; sys.exit('keras' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=server_environment(os.environ),
        check=False,
        timeout=60,
    )
    assert result.returncode == 0
