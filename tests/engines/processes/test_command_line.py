"""The command line as a real process, as far as it goes without a server."""

import os
import subprocess
import sys

import pytest

from engines.processes.servers import ROOT, server_environment


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "engines.processes", *arguments],
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
        (("--data", str(ROOT / "federated")), "There is no such folder"),
    ],
)
def test_a_training_that_cannot_be_says_why_in_one_line(arguments, sentence):
    result = run("train", *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


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
