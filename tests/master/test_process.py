"""The real server in a process of its own, with its real evaluation process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from master.evaluation import WorkerEvaluator

PROJECT = Path(__file__).resolve().parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "master", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "master", *arguments],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("master") / "state"


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    process = start("serve", "--state", str(state), "--port", "0", "--threads", "1")
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    try:
        assert line.startswith("ready http://127.0.0.1:"), process.stderr.read()
        yield line.split()[1]
    finally:
        workers = _children(process.pid)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0
        assert workers
        assert not [pid for pid in workers if _alive(pid)]
        process.stdout.close()
        process.stderr.close()


@pytest.mark.e2e
def test_keras_builds_judges_and_exports_in_its_own_process(address: str, state: Path) -> None:
    token = command("token", "--state", str(state), "--role", "operator")
    headers = {"Authorization": f"Bearer {token}"}
    api = f"{address}/api/v1"
    study = {"name": "Skin", "classes": ["benign", "malignant"], "size": 8, "channels": 1}
    with requests.Session() as http:
        http.headers.update(headers)
        assert http.post(f"{api}/studies", json=study).status_code == 201
        current = _until(lambda: http.get(f"{api}/studies/skin").json()["current"])
        assert current["model"] == "cnn10"
        model = http.get(f"{api}/studies/skin/model")
        assert (model.status_code, model.content[:2]) == (200, b"PK")
        statistics = http.get(f"{api}/weights/{current['weights']}/statistics?study=skin").json()
        assert statistics["all"]["count"] == current["parameters"]


@pytest.mark.e2e
def test_credits_are_recomputed_while_it_runs(address: str, state: Path) -> None:
    assert command("rewards", "--state", str(state)) == "Everything agrees."


@pytest.mark.e2e
def test_a_second_server_on_the_same_state_is_refused(address: str, state: Path) -> None:
    second = start("serve", "--state", str(state), "--port", "0")
    out, error = second.communicate(timeout=30)
    assert (second.returncode, out) == (1, "")
    assert "Another master is using this state folder" in error


def test_the_evaluation_process_gets_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONSIGHT_DATABASE", "postgresql://master:secret@database/master")
    evaluator = WorkerEvaluator(tmp_path, threads=1, pretrained=tmp_path)
    evaluator.start()
    try:
        # Until it has become another program, the new process shows this one's environment.
        process = psutil.Process(evaluator.pid)
        _until(lambda: "master.evaluator" in process.cmdline())
        names = process.environ().keys()
        assert "PATH" in names
        assert not [name for name in names if name.startswith("COMMONSIGHT_")]
    finally:
        evaluator.stop()


def test_the_server_itself_never_imports_keras() -> None:
    script = "import master.server, sys; print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def _until(question):  # type: ignore[no-untyped-def]
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not come")


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
