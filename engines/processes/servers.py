"""The servers of one start of the engine, from the first to the last one stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Self

from engines.processes.errors import Interrupted, StateInUse
from engines.processes.process import ServerProcess, stop_all

ROOT = Path(__file__).resolve().parents[2]
"""The folder of our packages; servers run in it."""

STOP_SECONDS = 20.0
"""Time that all servers together have for a clean end."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What servers inherit: everything but this engine's own options.

    An option of the engine and one of a server may share the name of their twin; what the
    engine wants of a server it says to it.
    """
    inherited = {
        name: value for name, value in environment.items() if not name.startswith("COMMONSIGHT_")
    }
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


class Servers:
    """Everything that this engine started, and nothing else.

    A context manager: whatever ends the block, the servers are stopped.

    Args:
        state: The folder under which servers keep their things.
        environment: The engine's own environment.
    """

    def __init__(self, state: Path, environment: Mapping[str, str]) -> None:
        self.state = state
        self._environment = server_environment(environment)
        self._processes: dict[str, ServerProcess] = {}
        self._ended: queue.Queue[ServerProcess] = queue.Queue()
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held.enter_context(held(self.state))
        return self

    def __exit__(self, *_: object) -> None:
        signals_were_heard()
        # Stopping takes a bounded time; a second Ctrl-C must not leave servers behind.
        before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
        with self._held:
            self.stop()
        for number, handler in before.items():
            # One of ours would break off the command's own end, which has nothing left to stop.
            if handler is not None and getattr(handler, "__module__", None) != __name__:
                signal.signal(number, handler)

    def spawn(
        self, name: str, command: Sequence[str], secrets: Mapping[str, str] | None = None
    ) -> ServerProcess:
        """Starts `python -m <command>` under a name; does not wait until it answers.

        Args:
            name: The server's name; its log is `<state>/logs/<name>.log`. An earlier
                server of that name is stopped first.
            command: Module and arguments.
            secrets: Environment variables for this server alone.
        """
        if name in self._processes:
            self._processes[name].stop(STOP_SECONDS)
        process = ServerProcess(
            name,
            command,
            self._environment | dict(secrets or {}),
            ROOT,
            self.state / "logs" / f"{name}.log",
        )
        self._processes[name] = process
        self._note_processes()
        threading.Thread(
            target=self._report_end, args=(process,), name=f"{name}-end", daemon=True
        ).start()
        return process

    def __getitem__(self, name: str) -> ServerProcess:
        return self._processes[name]

    def wait_for_an_end(self) -> ServerProcess:
        """The next server that ends by itself; waits for it as long as it takes."""
        return self._ended.get()

    def stop(self) -> None:
        """Stops the servers, all at the same time, and forgets them."""
        stop_all(list(self._processes.values()), STOP_SECONDS)
        self._processes.clear()
        (self.state / "processes.json").unlink(missing_ok=True)

    def _report_end(self, process: ServerProcess) -> None:
        process.wait()
        self._ended.put(process)

    def _note_processes(self) -> None:
        """Writes which process is which, for people and tests that look from outside."""
        document = {name: process.pid for name, process in self._processes.items()}
        draft = self.state / "processes.json.draft"
        draft.write_text(json.dumps(document, indent=2) + "\n")
        draft.replace(self.state / "processes.json")


@contextlib.contextmanager
def held(state: Path) -> Iterator[None]:
    """Holds a state folder for this engine; the lock ends with it, however it ends.

    Raises:
        StateInUse: Another engine holds it.
    """
    handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle, state)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, state: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StateInUse(
            "Another ./run_all.sh is using this state folder",
            expected="that it is stopped first, or another folder with --state",
            received=state,
        ) from None


AGAIN_SECONDS = 2.0
"""Pause after which a signal that nobody has heard is raised again."""


def raise_on_signals() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP raise `Interrupted` in the main thread.

    Python drops what is raised within a destructor, or within what an import calls back: so it
    is raised again until `signals_were_heard` is called.
    """
    heard: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        raise Interrupted(heard[0])

    signal.signal(signal.SIGALRM, interrupt)
    for number in SIGNALS:
        # `nohup` asks that a closed terminal be ignored; nobody asks that of Ctrl-C on
        # purpose: a shell does it to whatever it starts in the background.
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        signal.signal(number, interrupt)


def signals_were_heard() -> None:
    """A signal's exception has come to where it is dealt with: it is not raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
