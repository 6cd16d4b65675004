"""`python -m child` as people start it, with its real workers and a recording master."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from federated.messages import StudyPush
from federated.plan import ModelChoice, Plan, Privacy
from federated.study import Study
from federated.training import Training
from federated.wire import encode_weights
from tests.child.conftest import named, picture, study_push, task_of

ROOT = Path(__file__).resolve().parents[2]
STUDY = Study(id="skin", name="Skin", classes=("benign", "malignant"), size=12)
PLAN = Plan(
    model=ModelChoice(settings={"width": 4, "units": 4}),
    training=Training(epochs=2, batch_size=4),
    privacy=Privacy(min_examples=1),
)
LONG = PLAN.model_copy(update={"training": Training(epochs=1000, batch_size=1)})


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "child", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def serving(state: Path, master: str, *more: str, url: str | None = "auto"):
    """A child process that is ready: the process and its address; ended at the end."""
    more += ("--url", url) if url else ()
    options = ("--state", str(state), "--master", master, "--name", "site-1", "--port", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "child", "serve", *options, "--demo", *more],
        cwd=ROOT,
        env={**os.environ, "COMMONSIGHT_THREADS": "1", "COMMONSIGHT_JOIN_TOKEN": "a-join-token"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+\n", line), process.stderr.read()
        yield process, line.split()[1]
    finally:
        process.kill()
        process.communicate()


class Speaker:
    """Calls a child as its site and as its master."""

    def __init__(self, address: str, site_token: str, push_token: str):
        self.api = f"{address}/api/v1"
        self.site = {"Authorization": f"Bearer {site_token}"}
        self.master = {"Authorization": f"Bearer {push_token}"}

    def push(self, push: StudyPush, blob: bytes):
        body = push.model_dump(mode="json")
        answer = requests.put(f"{self.api}/studies/skin", json=body, headers=self.master)
        assert answer.json() == {"missing_blob": True, "missing": [push.weights]}
        path = f"{self.api}/weights/{push.weights}"
        assert requests.put(path, data=blob, headers=self.master).status_code == 200

    def upload(self, files):
        parts = [("file", file) for file in files]
        return requests.post(
            f"{self.api}/images", data={"study": "skin"}, files=parts, headers=self.site
        )

    def task(self, task):
        body = task.model_dump(mode="json")
        return requests.post(f"{self.api}/tasks", json=body, headers=self.master)

    def predict(self):
        return requests.post(
            f"{self.api}/predict",
            data={"study": "skin"},
            files={"file": ("x.png", picture(3))},
            headers=self.site,
        )

    def status(self):
        return requests.get(f"{self.api}/status", headers=self.site).json()


@pytest.fixture(scope="module")
def initial(keras_runtime):
    from models.named import build_model

    model = build_model(STUDY, PLAN.model, seed=3)
    blob = encode_weights(model.read())
    return study_push(blob, model.signature, PLAN), blob


def gone(pids) -> bool:
    """Whether processes end within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_child_from_its_start_to_its_end(tmp_path, master, initial):
    push, blob = initial
    state = tmp_path / "state"
    with serving(state, master.url) as (process, address):
        assert requests.get(f"{address}/health").json()["status"] == "ok"
        site_token = run("token", "--state", str(state)).stdout.strip()
        join = master.wait_for("/nodes").json
        assert (join["url"], join["join_token"]) == (address, "a-join-token")
        child = Speaker(address, site_token, join["push_token"])
        child.push(push, blob)
        uploaded = child.upload([*named(9), ("large.png", picture(1, (900, 900)))])
        assert uploaded.status_code == 201
        counts = {"benign": 6, "malignant": 3}
        assert child.status()["studies"][0]["counts"] == counts

        assert child.task(task_of(push, "first")).status_code == 202
        update = master.wait_for("/tasks/first/update")
        assert update.headers["Authorization"] == "Bearer node-token"

        second = run("serve", "--state", str(state), "--name", "x", "--master", master.url)
        assert second.returncode == 1
        assert "Another child is using this state folder" in second.stderr

        # The predictor's start may take longer than the whole training that it must not wait for.
        child.predict()

        # A clinician does not wait for a training.
        assert child.task(task_of(push, "long", plan=LONG)).status_code == 202
        progress = master.wait_for("/tasks/long/progress").json
        assert progress["epochs"] == 1000
        assert child.status()["activity"] == "training"
        prediction = child.predict().json()
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert prediction["weights"] == push.weights

        # The machine loses power in the middle of a training.
        workers = [worker.pid for worker in psutil.Process(process.pid).children()]
        assert len(workers) == 2
        process.kill()
        process.wait()
        assert gone(workers)
        assert not any(path == "/tasks/long/update" for path in master.paths())

    told = sum(path == "/tasks/long/progress" for path in master.paths())
    with serving(state, master.url) as (process, address):
        master.wait_for("/tasks/long/progress", count=told + 1)
        assert master.paths().count("/nodes") == 1
        assert Speaker(address, site_token, "").status()["studies"][0]["counts"] == counts
        workers = [worker.pid for worker in psutil.Process(process.pid).children()]
        assert workers
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert gone(workers)

    traffic = b"".join(call.body for call in master.calls)
    stored = [path.read_bytes() for path in (state / "pictures" / "skin").glob("*.png")]
    assert len(stored) == 10
    assert not any(data in traffic or data[60:120] in traffic for data in stored)
    assert b"benign_" not in traffic
    assert hashlib.sha256(update.body).hexdigest() in [
        departure["sha256"] for departure in departures(state)
    ]


def departures(state: Path):
    """The record of departures as the database has it."""
    import sqlite3

    connection = sqlite3.connect(state / "child.sqlite")
    rows = connection.execute("SELECT method, path, sha256 FROM departures").fetchall()
    connection.close()
    return [dict(zip(("method", "path", "sha256"), row, strict=True)) for row in rows]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_with_its_master_away(tmp_path, number):
    with serving(tmp_path / "state", "http://127.0.0.1:9") as (process, _):
        process.send_signal(number)
        assert process.wait(20) == 0
