"""`python -m child` as people start it, killed and stopped in the middle of a transfer."""

import signal
import time

import psutil

from federated.plan import AssignedBatches
from federated.wire import read_update_document
from serving.blobs import open_blob
from tests.child.batch_server import batch_server, pack
from tests.child.conftest import task_of
from tests.child.test_process import Speaker, gone, initial, run, serving

__all__ = ["initial"]


def test_a_transfer_goes_on_where_it_was_after_a_kill_and_after_a_stop(tmp_path, master, initial):
    push, blob = initial
    packed = pack(tmp_path / "skin", 1, train=5, validation=2, size=(300, 300))
    state = tmp_path / "state"
    part = state / "batches" / f"{packed.file(0).name}.part"
    with batch_server(packed.folder) as served:
        data = AssignedBatches(kind="batches", url=served.url)
        plan = push.plan.model_copy(update={"data": data})
        task = task_of(push, "first", plan=plan, batch=packed.assigned(0))
        served.held.clear()
        with serving(state, master.url) as (process, address):
            site_token = run("token", "--state", str(state)).stdout.strip()
            child = Speaker(address, site_token, master.wait_for("/nodes").json["push_token"])
            child.push(push, blob)
            assert child.task(task).status_code == 202
            told = master.wait_for("/tasks/first/progress").json
            assert told["epoch"] == 0
            while not (part.exists() and part.stat().st_size > 100_000):
                time.sleep(0.01)
            family = [
                process.pid,
                *(worker.pid for worker in psutil.Process(process.pid).children()),
            ]
            process.kill()
            process.wait()
            assert gone(family)
        came = part.stat().st_size

        # A stop does not wait for a batch server that is silent.
        with serving(state, master.url) as (process, _):
            while len(served.asked) < 2:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
            assert process.returncode == 0
            assert "Traceback" not in log
        later = part.stat().st_size
        served.held.set()
        with serving(state, master.url):
            update = master.wait_for("/tasks/first/update", timeout=180)
        assert served.asked == [(packed.file(0).name, start) for start in (0, came, later)]
    (tmp_path / "update").write_bytes(update.body)
    with open_blob(tmp_path / "update") as received:
        assert read_update_document(received).num_examples == 5
    assert [path.name for path in (state / "batches").iterdir()] == [packed.file(0).name]
