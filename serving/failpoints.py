"""Failpoints: places where a test lets a server kill itself, as a power cut would end it.

A tool for tests, and for nothing else: without `COMMONSIGHT_FAILPOINT` in its environment a
server passes every failpoint as if it were not there. With `COMMONSIGHT_FAILPOINT=NAME` it
sends SIGKILL to its own process where it first reaches the place of that name, with `NAME:3`
where it reaches it for the third time. SIGKILL cannot be caught: nothing is written, closed or
said on the way out, so what a restart finds is what a crash leaves.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Mapping

from federated.errors import InvalidInput

VARIABLE = "COMMONSIGHT_FAILPOINT"

FAILPOINTS = {
    "round-opened": "a round and its tasks are in the tables, and nobody has been told",
    "task-leased": "a node has taken a task, and its lease is in the tables",
    "update-kept": "an update's blob is in its place, and the tables do not know of it",
    "update-submitted": "an update is in the tables, and its node has had no answer",
    "round-aggregating": "a round begins to aggregate, and nothing has been averaged",
    "round-averaged": "the new global model's blob is made, and the tables do not know of it",
    "round-closed": "a round is closed in the tables, and the next is not open",
}
"""The places, by name, and what is and is not there when a server dies in each."""

AFTER_ROUNDS = {
    "cross-site-gathered": "the sites' models are plain blobs, and the tables do not know of them",
    "cross-site-open": "each site's task to measure them is in the tables, and nobody was told",
    "evaluation-taken": "a site's figures are in the tables, and the site has had no answer",
}
"""The same, for what follows the last round of a run that measures across sites."""

Failpoint = Callable[[str], None]
"""Called with the name of the place that has been reached."""


def no_failpoint(name: str) -> None:
    """Goes on: the failpoint of every server that nobody tests."""


def failpoint_from(environ: Mapping[str, str], die: Callable[[], None] | None = None) -> Failpoint:
    """The failpoint that an environment asks for.

    Args:
        environ: The server's environment.
        die: What happens at the place; by default SIGKILL to this process.

    Returns:
        `no_failpoint`, unless the environment names a place.

    Raises:
        InvalidInput: The environment names a place that there is not.
    """
    wanted = environ.get(VARIABLE)
    if not wanted:
        return no_failpoint
    match = re.fullmatch(r"([a-z-]+)(?::([1-9][0-9]{0,8}))?", wanted)
    if match is None or match[1] not in {**FAILPOINTS, **AFTER_ROUNDS}:
        raise InvalidInput(
            f"{VARIABLE} names no failpoint",
            expected=f"one of {[*FAILPOINTS, *AFTER_ROUNDS]}, or with a count as 'round-opened:3'",
            received=repr(wanted),
        )
    return _nth(match[1], int(match[2] or 1), die or _kill_this_process)


def _nth(wanted: str, number: int, die: Callable[[], None]) -> Failpoint:
    lock = threading.Lock()
    reached = 0

    def failpoint(name: str) -> None:
        nonlocal reached
        if name != wanted:
            return
        with lock:
            reached += 1
            if reached == number:
                die()

    return failpoint


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
