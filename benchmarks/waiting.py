"""Waiting for something that a server will come to."""

from __future__ import annotations

import time
from collections.abc import Callable

from federated.errors import FederationError

WATCH_SECONDS = 0.5
"""A question costs a server as much as some work, and what is waited for takes longer."""


def wait_until(condition: Callable[[], bool], what: str, patience: float) -> None:
    """Waits until a condition holds.

    Args:
        condition: What is asked.
        what: What is waited for, in words.
        patience: Seconds in which it comes.

    Raises:
        FederationError: It did not.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise FederationError(f"Waited {patience:g} s in vain for {what}")
        time.sleep(WATCH_SECONDS)
