"""The operator's pages with a long past behind them: how soon each is drawn, and what it asks.

A real master with 50 sites, 200 rounds and a round under way; the web app in the role `console`
before it, and Chromium before that. Between web app and master a proxy counts.

* drawn: from the click on a link to the page, in a browser that is signed in, to the moment when
  its last line is there and nothing is running;
* a viewer: calls at the master a second while somebody looks at the page, whether or not it
  refreshes itself.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.counting_proxy import Counts, counting_proxy
from benchmarks.figures import Figure, Report
from benchmarks.long_history import History, long_history
from engines.processes.servers import ROOT, Servers
from engines.processes.webapp_server import settings_path, start_webapp, wait_until_healthy
from federated.errors import FederationError
from serving.tokens import write_secret

PAGES = ("overview", "sites", "train", "results", "compare", "rewards", "system")
LAST_LINE = "Commonsight is for research and teaching"
IDLE = "[data-testid='stApp'][data-test-connection-state='CONNECTED']"
STILL = "[data-test-script-state='notRunning']"
LOOKS, WATCH_SECONDS = 3, 15.0
PATIENCE = 60_000
"""Milliseconds that a page may take: far more than it does."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def run(quick: bool) -> Report:
    """Fills a master, then looks at every page."""
    sites, rounds = (10, 5) if quick else (50, 200)
    with (
        tempfile.TemporaryDirectory() as name,
        Servers(Path(name), os.environ) as servers,
        long_history(servers, sites, rounds) as history,
    ):
        token = history.federation.tokens["master"]
        pages = addresses(history)
        figures = look_at(servers, history.federation.master.url, token, pages, quick)
        facts = {"sites": sites, "rounds": rounds, "seconds_to_fill": round(history.seconds)}
    return Report("console", figures, facts)


def addresses(history: History) -> dict[str, str]:
    """Every page of the console, and what stands in the address of some."""
    return {
        **{page: page for page in PAGES},
        "results (a run of all rounds)": f"results?run={history.past}",
        "sites (one site)": "sites?site=clinic-01",
    }


def look_at(
    servers: Servers, master: str, token: str, pages: Mapping[str, str], quick: bool
) -> list[Figure]:
    """Looks at every page, and counts what the master is asked meanwhile."""
    counts = Counts()
    with counting_proxy(master, counts) as proxy, _browser() as browser:
        address = _web_app(servers, proxy, token)
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.goto(_link(servers, address))
        _drawn(page)
        figures = []
        for name, path in pages.items():
            seconds = tuple(_look(page, f"{address}/{path}") for _ in range(LOOKS))
            counts.clear()
            watched = WATCH_SECONDS / (3 if quick else 1)
            time.sleep(watched)
            asked = sum(counts.calls.values()) / watched
            key = "".join(letter if letter.isalnum() else "_" for letter in name)
            figures += [
                Figure(f"{key}_seconds", f"{name}: drawn", seconds, "s"),
                Figure(f"{key}_calls", "  a viewer: calls at the master", (asked,), "/s"),
            ]
        slowest = max(statistics.median(one.values) for one in figures[::2])
        most = max(one.values[0] for one in figures[1::2])
        return [
            *figures,
            Figure("slowest_seconds", "the slowest page; bound 2 s", (slowest,), "s"),
            Figure("most_calls", "the page that asks most; bound 2/s", (most,), "/s"),
        ]


def _web_app(servers: Servers, master: str, token: str) -> str:
    """A web app for an operator; its address."""
    document = {"role": "console", "master": {"url": master, "token": token}}
    write_secret(settings_path(servers.state), json.dumps(document))
    port = _free_port()
    process = start_webapp(servers, port)
    address = f"http://127.0.0.1:{port}"
    wait_until_healthy({f"{address}/_stcore/health": process})
    return address


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _link(servers: Servers, address: str) -> str:
    """A one-time link that signs the browser in."""
    command = [sys.executable, "-m", "webapp", "link", "--address", address]
    environment = {**os.environ, "COMMONSIGHT_WEBAPP_CONFIG": str(settings_path(servers.state))}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    links = [word for word in done.stdout.split() if word.startswith(address)]
    if not links:
        raise FederationError("There is no link to sign in with", received=done.stderr[-200:])
    return links[0]


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FederationError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield browser
        browser.close()


def _look(page: Any, address: str) -> float:
    began = time.perf_counter()
    page.goto(address)
    _drawn(page)
    return time.perf_counter() - began


def _drawn(page: Any) -> None:
    page.wait_for_selector(IDLE, timeout=PATIENCE)
    page.get_by_text(LAST_LINE).first.wait_for(timeout=PATIENCE)
    page.wait_for_selector(STILL, timeout=PATIENCE)
