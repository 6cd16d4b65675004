"""A worker process: the one place where TensorFlow lives, seen from its server.

The server starts `python -m <module>` and speaks JSON lines over its pipes: one request at a
time, events in between, one answer. A worker that dies costs the request under way, not the
server; the next request starts a new one. A worker whose server dies ends itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from federated.errors import FederationError, Unavailable

log = logging.getLogger(__name__)

Json = dict[str, Any]


class WorkerDied(Unavailable):
    """The worker process ended before it answered."""

    code = "worker_died"


class WorkerFailed(FederationError):
    """The worker answered with an error; `code` is the one that it gave."""

    code = "worker_failed"


class Worker:
    """A worker process with a lifetime: started when needed, restarted after a death.

    Args:
        module: Module that calls `serving.worker_main.serve`.
        arguments: Its command line.
        environment: Its environment, whole.
        log_path: File that collects what it prints to standard error.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log_path: Path,
    ) -> None:
        self._module = module
        self.use(arguments)
        self._environment = dict(environment)
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = threading.Lock()
        self._pipe = threading.Lock()
        self._number = 0
        self._current: int | None = None
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """Process id while the worker lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._current is not None

    def start(self) -> None:
        """Starts the process, so that a later request finds it warm."""
        with self._requests:
            self._ensure_started()

    def use(self, arguments: Sequence[str]) -> None:
        """Another command line, from the next request on: the process is replaced before it."""
        self._command = [sys.executable, "-m", self._module, *arguments]

    def call(
        self,
        name: str,
        arguments: Json,
        on_event: Callable[[Json], None] = lambda event: None,
    ) -> Json:
        """Does one request and waits for its answer; requests queue up behind each other.

        Args:
            name: Name of a handler of the worker.
            arguments: JSON-able arguments.
            on_event: Called with each event on the way, in this thread.

        Raises:
            WorkerDied: The process ended before it answered.
            WorkerFailed: The worker answered with an error.
        """
        with self._requests:
            process = self._ensure_started()
            self._number += 1
            self._current = self._number
            try:
                self._send({"id": self._number, "call": name, "arguments": arguments})
                return self._answer(process, self._number, on_event)
            finally:
                self._current = None
                if self._stopped:
                    # `stop` left the pipes open to this request, which was reading from one.
                    _close_pipes(process)

    def cancel(self) -> None:
        """Asks the worker to give up the request under way; without one, does nothing."""
        current = self._current
        if current is not None:
            self._send({"cancel": current})

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the process; a request under way fails with `WorkerDied`."""
        self._stopped = True
        process = self._process
        if process is None:
            return
        _end(process, timeout)
        if not self.busy:
            _close_pipes(process)

    def _ensure_started(self) -> subprocess.Popen[bytes]:
        self._check_wanted()
        if self._process is not None and self._process.args != self._command:
            _end(self._process, timeout=5.0)
        if self._process is None or self._process.poll() is not None:
            if self._process is not None:
                _close_pipes(self._process)
            self._process = self._begin()
        try:
            self._check_wanted()
        except WorkerDied:
            # `stop` came while it began, and may not have seen it.
            _end(self._process, timeout=5.0)
            _close_pipes(self._process)
            raise
        return self._process

    def _check_wanted(self) -> None:
        if self._stopped:
            raise WorkerDied("The worker process was stopped with its server")

    def _begin(self) -> subprocess.Popen[bytes]:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as stderr:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self._environment,
            )

    def _send(self, message: Json) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            with self._pipe:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
        except (BrokenPipeError, ValueError):
            log.warning("The worker's pipe is closed; its death shows when it is read")

    def _answer(
        self, process: subprocess.Popen[bytes], number: int, on_event: Callable[[Json], None]
    ) -> Json:
        if process.stdout is None:
            raise WorkerDied("The worker process has no pipe to answer through")
        for line in process.stdout:
            message: Json = json.loads(line)
            if message.get("id") != number:
                continue
            if "event" in message:
                on_event(message["event"])
            elif "error" in message:
                raise WorkerFailed(message["error"]["detail"], code=message["error"]["code"])
            else:
                result: Json = message["result"]
                return result
        status = process.wait()
        raise WorkerDied(
            "The worker process ended before it answered",
            expected="an answer",
            received=f"exit status {status}",
        )


def _end(process: subprocess.Popen[bytes], timeout: float) -> None:
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What worker processes get of the environment: no token, and where our code lies."""
    kept = {name: value for name, value in environ.items() if not name.startswith("COMMONSIGHT_")}
    code = str(Path(__file__).resolve().parents[1])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (code, kept.get("PYTHONPATH"))))
    return kept
