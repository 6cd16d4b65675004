"""What may import what: the border that keeps pictures in, and TensorFlow out of the server."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AGENT = sorted((ROOT / "child" / "agent").glob("*.py"))
TALKERS = {"requests", "urllib", "urllib3", "http", "socket", "httpx", "ftplib", "smtplib", "ssl"}
BATCH_TALKERS = {"imaging.batch_server", "imaging.remote"}
PICTURES = {"child.pictures", "child.store.pictures", "child.uploads", "child.prediction"}
FETCHING = {"batch_index", "batch_server", "remote", "new_folder", "errors"}
"""What the agent may know of `imaging`: batches of public pictures, as bytes with a hash."""


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reached(path: Path) -> set[str]:
    """All modules of ours that a file imports, directly or through others."""
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        for name in imports(waiting.pop()) - seen:
            seen.add(name)
            for file in (ROOT / f"{name.replace('.', '/')}.py", ROOT / name.replace(".", "/")):
                waiting += [file] if file.is_file() else []
    return seen


@pytest.mark.parametrize("path", AGENT, ids=lambda path: path.stem)
def test_what_talks_out_reaches_nothing_that_reads_pictures(path):
    names = reached(path)
    assert not names & PICTURES
    assert not {name for name in names if name.split(".")[0] in ("PIL", "models")}
    imaging = {name.split(".")[1] for name in names if name.startswith("imaging.")}
    modules = {name for name in imaging if list((ROOT / "imaging").glob(f"{name}*"))}
    assert modules <= FETCHING


def test_only_the_agent_talks_out():
    others = [path for path in (ROOT / "child").rglob("*.py") if path not in AGENT]
    assert len(others) > 20
    for path in others:
        names = imports(path)
        assert not {name.split(".")[0] for name in names} & TALKERS, path
        assert not {".".join(name.split(".")[:2]) for name in names} & BATCH_TALKERS, path


def test_the_check_would_notice():
    assert "child.store.pictures" in reached(ROOT / "child" / "status.py")
    assert "requests" in imports(ROOT / "child" / "agent" / "transport.py")


def test_the_server_imports_no_tensorflow():
    code = (
        "import sys, child.__main__, child.server; "
        "print([m for m in ('keras', 'tensorflow', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_child_does_not_know_the_master():
    for path in (ROOT / "child").rglob("*.py"):
        assert not {name for name in imports(path) if name.split(".")[0] == "master"}, path
