"""Chromium that looks at pages of Streamlit, and what a look costs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process_meter import cpu_seconds, family
from federated.errors import FederationError

LAST_LINE = "Commonsight is for research and teaching"
IDLE = "[data-testid='stApp'][data-test-connection-state='CONNECTED']"
STILL = "[data-test-script-state='notRunning']"
ALL_THERE = """() => !document.querySelector("[data-testid='stSkeleton']") &&
  [...document.querySelectorAll("[data-testid='stPlotlyChart']")].every(
    (chart) => chart.querySelector(".main-svg"))"""
"""Charts are drawn by code that the browser fetches when it meets the first."""
PATIENCE = 60_000
"""Milliseconds that a page may take: far more than it does."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


class Received:
    """What the server has told the page over its web socket.

    Args:
        page: Of Playwright.
    """

    def __init__(self, page: Any) -> None:
        self.messages = 0
        self.nbytes = 0
        page.on("websocket", lambda socket: socket.on("framereceived", self._note))

    def clear(self) -> None:
        """Begins anew."""
        self.messages = self.nbytes = 0

    def _note(self, content: str | bytes) -> None:
        self.messages += 1
        self.nbytes += len(content)


@dataclass(frozen=True, slots=True)
class Look:
    """One whole load of a page.

    Attributes:
        seconds: From asking for the address to the last line, every chart drawn, nothing running.
        messages: Of the web socket.
        nbytes: Of those messages.
        cpu: CPU seconds by what used them, the browser's under `browser`.
    """

    seconds: float
    messages: int
    nbytes: int
    cpu: dict[str, float]


def chromium() -> str:
    """Where the browser is.

    Raises:
        FederationError: There is none.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FederationError("Chromium is not installed")
    return path


@contextmanager
def opened_page() -> Iterator[Any]:
    """A page of a browser that has seen nothing yet.

    Raises:
        FederationError: There is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS])
        yield browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        browser.close()


def look(page: Any, received: Received, address: str, servers: dict[str, int]) -> Look:
    """Loads a page anew.

    Args:
        page: Of Playwright.
        received: Of that page.
        address: Of what is looked at.
        servers: Processes whose CPU time is told, with that of all that they started.
    """
    before = _cpu(servers)
    received.clear()
    began = time.perf_counter()
    page.goto(address)
    drawn(page)
    seconds = time.perf_counter() - began
    messages, nbytes = received.messages, received.nbytes
    after = _cpu(servers)
    spent = {name: max(0.0, after[name] - before[name]) for name in before}
    return Look(seconds, messages, nbytes, spent)


def drawn(page: Any) -> None:
    """Waits until the last line of a page is there, nothing is running, every chart drawn."""
    page.wait_for_selector(IDLE, timeout=PATIENCE)
    page.get_by_text(LAST_LINE).first.wait_for(timeout=PATIENCE)
    page.wait_for_selector(STILL, timeout=PATIENCE)
    page.wait_for_function(ALL_THERE, timeout=PATIENCE)


def _cpu(servers: dict[str, int]) -> dict[str, float]:
    browsers = [pid for pid in family(os.getpid()) if "chromium" in _command(pid)]
    return {
        **{name: _together(family(pid)) for name, pid in servers.items()},
        "browser": _together(browsers),
    }


def _together(pids: list[int]) -> float:
    found = 0.0
    for pid in pids:
        try:
            found += cpu_seconds(pid)
        except FederationError:
            # It has ended since it was listed.
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
