"""One server process: started, waited for, stopped by its own id."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engines.processes.errors import ServerFailed

READY = "ready "
"""What a server's line on standard output starts with once it answers."""


class ServerProcess:
    """A server with a lifetime, in a session of its own so that only we signal it.

    Args:
        name: What people call it: `master`, `site-1`.
        command: Module and arguments, as after `python -m`.
        environment: Its environment, whole; secrets travel here, never on the command line.
        folder: The folder that it runs in: that of our packages.
        log_path: File that collects what it prints; appended to, readable by its owner.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        log_path: Path,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._was_asked = False
        self._addresses: queue.Queue[str | None] = queue.Queue()
        log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._log_start = os.fstat(log).st_size
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engines.processes.tether", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )
        finally:
            os.close(log)
        threading.Thread(target=self._listen, name=f"{name}-output", daemon=True).start()

    @property
    def pid(self) -> int:
        """The server's process id, which is also its group's."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_for_address(self, timeout: float) -> str:
        """The address that the server announces with its line `ready http://…`.

        Raises:
            ServerFailed: It ended first, or the time is over.
        """
        try:
            address = self._addresses.get(timeout=timeout)
        except queue.Empty:
            raise self.failure(f"was not ready after {timeout:g} s") from None
        if address is None:
            self._process.wait()
            raise self.failure("did not start")
        return address

    def failure(self, what: str) -> ServerFailed:
        """An error that says what happened to this server, with the last line of its log."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        last = lines[-1].strip().removesuffix(".") if lines else "its log is empty"
        return ServerFailed(f"{self.name} {what} ({last}); its log is {self.log_path}")

    def wait(self) -> int:
        """Waits until the server has ended; returns its exit status."""
        return self._process.wait()

    def ask_to_stop(self) -> None:
        """Asks for a clean end, once; does not wait for it.

        A second signal, met by a server that is already ending, would break that off.
        """
        if self.exit_status is None and not self._was_asked:
            self._was_asked = True
            self._process.terminate()

    def stop(self, timeout: float) -> None:
        """Ends the server and waits until it is gone.

        Its workers end with it; if it does not end in time, the whole group is killed.

        Args:
            timeout: Seconds for a clean end.
        """
        self.ask_to_stop()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            # Not reaped yet, so the id is still its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        with self._process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").strip()
                if text.startswith(READY):
                    self._addresses.put(text.removeprefix(READY))
        self._addresses.put(None)


def stop_all(processes: Sequence[ServerProcess], timeout: float) -> None:
    """Stops several servers at the same time, within one timeout in seconds."""
    for process in processes:
        process.ask_to_stop()
    deadline = time.monotonic() + timeout
    for process in processes:
        process.stop(max(0.0, deadline - time.monotonic()))
