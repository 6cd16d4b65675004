import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving.worker import Worker, WorkerDied, WorkerFailed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    worker = Worker("tests.serving.echo_worker", [], environment, tmp_path / "logs" / "worker.log")
    yield worker
    worker.stop()


def test_it_answers_and_stays_warm(worker: Worker) -> None:
    first = worker.call("echo", {"x": 1})
    second = worker.call("echo", {"x": 2})
    assert (first["echo"], second["echo"]) == ({"x": 1}, {"x": 2})
    assert first["pid"] == second["pid"] == worker.pid
    assert not worker.busy


def test_events_come_in_order_before_the_answer(worker: Worker) -> None:
    events: list[int] = []
    worker.call("echo", {"events": 3}, on_event=lambda event: events.append(event["number"]))
    assert events == [0, 1, 2]


def test_what_libraries_print_goes_to_the_log(worker: Worker, tmp_path: Path) -> None:
    worker.call("echo", {})
    worker.stop()
    assert "noise" in (tmp_path / "logs" / "worker.log").read_text()


def test_a_refusal_keeps_its_code_and_sentence(worker: Worker) -> None:
    with pytest.raises(WorkerFailed, match=r"This is wrong\. Expected better\.$") as caught:
        worker.call("refuse", {})
    assert caught.value.code == "wrong_thing"


def test_a_bug_costs_one_request(worker: Worker) -> None:
    with pytest.raises(WorkerFailed, match="ZeroDivisionError"):
        worker.call("bug", {})
    assert worker.call("echo", {"x": 3})["echo"] == {"x": 3}


def test_a_death_costs_one_request_and_the_next_has_a_new_process(worker: Worker) -> None:
    pid = worker.call("echo", {})["pid"]
    with pytest.raises(WorkerDied):
        worker.call("crash", {})
    assert worker.call("echo", {})["pid"] != pid


def test_another_command_line_holds_from_the_next_request_on(worker: Worker) -> None:
    before = psutil.Process(worker.call("echo", {})["pid"])
    worker.use(("--threads", "3"))
    assert before.is_running()
    after = worker.call("echo", {})["pid"]
    assert psutil.Process(after).cmdline()[-2:] == ["--threads", "3"]
    assert not before.is_running()
    assert worker.call("echo", {})["pid"] == after


def test_a_request_can_be_given_up(worker: Worker) -> None:
    assert worker.call("until_cancelled", {}, on_event=lambda event: worker.cancel()) == {
        "cancelled": True
    }


def test_a_stopped_worker_is_gone_and_stays_so(worker: Worker) -> None:
    pid = worker.call("echo", {})["pid"]
    worker.stop()
    assert not psutil.pid_exists(pid)
    with pytest.raises(WorkerDied):
        worker.call("echo", {})


def test_a_worker_that_is_stopped_while_it_starts_is_gone_too(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def stopping(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        worker.stop()
        begun.append(popen(*arguments, **options))
        return begun[0]

    monkeypatch.setattr("serving.worker.subprocess.Popen", stopping)
    with pytest.raises(WorkerDied, match="stopped with its server"):
        worker.start()
    (process,) = begun
    assert process.returncode is not None
    assert all(pipe is None or pipe.closed for pipe in (process.stdin, process.stdout))


def test_a_worker_that_is_stopped_at_work_leaves_no_open_pipe(worker: Worker) -> None:
    started, stopped = threading.Event(), threading.Event()

    def hold_up(event: object) -> None:
        started.set()
        assert stopped.wait(20)

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(worker.call, "until_cancelled", {}, on_event=hold_up)
        assert started.wait(20)
        process = worker._process
        worker.stop()
        stopped.set()
        with pytest.raises(WorkerDied):
            call.result(20)
    assert process is not None
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        assert pipe.closed


def test_a_worker_ends_with_its_server(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from serving.worker import Worker\n"
        "w = Worker('tests.serving.echo_worker', [], dict(os.environ), Path(sys.argv[1]))\n"
        "print(w.call('echo', {})['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    server = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    pid = int(server.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=10)
    assert not psutil.pid_exists(pid)


def test_a_worker_that_still_imports_ends_with_its_server_too() -> None:
    program = (
        "import time\n"
        "from serving.worker_main import take_over_pipes\n"
        "pipes = take_over_pipes()\n"
        "pipes.send({'event': 'importing'})\n"
        "time.sleep(600)\n"
    )
    pipe = subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=30) == 0
