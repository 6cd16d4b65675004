"""What docs/curl.md says, done by a shell and curl at a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.master.test_evaluation_jobs import upload
from tests.master.test_pull_http import Online, online, until

__all__ = ["online"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "curl.md"

TRAIN = """#!{python}
import sys
from safetensors.numpy import load_file, save_file
moved = {{name: array + 1 for name, array in load_file(sys.argv[1]).items()}}
save_file(moved, sys.argv[2])
"""
"""A program that knows nothing of ours: not even of the metadata."""


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_a_round_of_either_approach_by_curl(online: Online, tmp_path: Path) -> None:
    federation = online.federation
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    work, programs = tmp_path / "work", tmp_path / "programs"
    work.mkdir()
    programs.mkdir()
    train = programs / "train"
    train.write_text(TRAIN.format(python=sys.executable))
    train.chmod(0o755)
    join = federation.post("/join-tokens", {"approve": True})["token"]
    environment = os.environ | {
        "MASTER": f"{online.server.address}/api/v1",
        "TOKEN": federation.operator,
        "JOIN": join,
        "STUDY": "skin",
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    script = "set -eu\n" + "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    federation.coordinator.start()
    try:
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr

        def read(name: str) -> Any:
            return json.loads((work / name).read_text())

        assert read("receipt.json")["state"] in ("submitted", "accepted")
        (first,) = read("round.json")["updates"]
        assert (first["num_examples"], first["num_steps"]) == (80, 6)
        assert first["metrics"] == {"val_accuracy": 0.83}
        run, task = read("run.json")["id"], read("task.json")
        until(lambda: federation.get(f"/runs/{run}")["state"] == "completed")
        (trial,) = federation.get(f"/runs/{run}/search")["trials"]
        assert (trial["state"], trial["task"]) == ("complete", task["id"])
        assert trial["parameters"] == {"learning_rate": 0.001, "batch_size": 32}
        assert trial["score"] is not None
    finally:
        federation.coordinator.stop()
