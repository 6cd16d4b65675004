"""`run_all.sh` itself, on a copy with a small program in place of the engine."""

import os
import shutil
import subprocess
import sys

import pytest

from engines.processes.servers import ROOT

ENGINE = "import os, sys; print(os.getcwd(), sys.argv[1:], sys.path[0], sys.prefix, sep='|')"
TOOLS = ("dirname", "cmp", "cp", "rm", "id", "env", "sh")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A checkout whose path has spaces and whose requirements are soon installed."""
    root = tmp_path_factory.mktemp("a folder") / "with spaces"
    package = root / "engines" / "processes"
    package.mkdir(parents=True)
    shutil.copy(ROOT / "run_all.sh", root)
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "engines" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(ENGINE)
    return root


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A folder with a few commands, and neither Python nor uv."""
    folder = tmp_path_factory.mktemp("tools")
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


def run(copy, tools, *arguments, **environment):
    return subprocess.run(
        [copy / "run_all.sh", *arguments],
        cwd=tools,
        env={"PATH": str(tools)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_a_python_there_is_a_clear_sentence(copy, tools):
    result = run(copy, tools)
    assert result.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13" in result.stderr
    assert not (copy / ".venv").exists()


def test_a_python_that_does_not_work_is_passed_over(copy, tools, tmp_path):
    """A version manager leaves names on the path that lead nowhere."""
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    shim.chmod(0o755)
    result = run(copy, tools, PATH=f"{tmp_path}{os.pathsep}{tools}")
    assert result.returncode == 1
    assert "needs Python" in result.stderr


def test_a_card_has_an_environment_of_its_own(copy, tools):
    (copy / "requirements-gpu.txt").write_text("# nothing for cards\n")
    on_card = {"COMMONSIGHT_PYTHON": sys.executable, "COMMONSIGHT_GPU": "1"}
    first = run(copy, tools, "train", **on_card)
    assert "Installing what requirements-gpu.txt lists" in first.stderr
    assert first.stdout.strip().endswith(str(copy / ".venv-gpu"))
    assert (copy / ".venv-gpu" / "installed-requirements-gpu.txt").exists()
    assert run(copy, tools, **on_card).stderr == ""


def test_the_environment_is_made_once_and_installed_again_when_it_must_be(copy, tools):
    python = {"COMMONSIGHT_PYTHON": sys.executable}
    first = run(copy, tools, "train", "--data", "two words", **python)
    assert first.returncode == 0, first.stderr
    assert "Making the environment" in first.stderr
    assert "Installing" in first.stderr
    folder, arguments, path, prefix = first.stdout.strip().split("|")
    assert folder == str(tools)
    assert arguments == "['train', '--data', 'two words']"
    assert path == str(copy)
    assert prefix == str(copy / ".venv")

    assert run(copy, tools).stderr == ""

    (copy / ".venv" / "installed-requirements.txt").unlink()
    interrupted = run(copy, tools)
    assert "Making" not in interrupted.stderr
    assert "Installing" in interrupted.stderr

    (copy / "requirements.txt").write_text("# nothing, said otherwise\n")
    assert "Installing" in run(copy, tools).stderr

    (copy / "requirements.txt").write_text("-r missing.txt\n")
    assert run(copy, tools).returncode != 0
    assert run(copy, tools).returncode != 0, "a failed installation must not count as done"
    (copy / "requirements.txt").write_text("# nothing\n")

    shutil.rmtree(copy / ".venv" / "bin")
    assert "Making the environment" in run(copy, tools, **python).stderr
