"""The page *Classify* in Chromium: how soon after a picture is handed over its answer stands there.

The page is open and consented to; it is loaded anew for each picture, so that nothing of the one
before helps but what the browser keeps of our own files.

* the answer: to the frame that shows the line with the most probable class;
* all of it: to the last line of the page, with its chart and both pictures drawn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.browser import drawn, opened_page
from benchmarks.streamlit_servers import free_port, one_time_link
from engines.processes.servers import Servers
from engines.processes.webapp_server import settings_path, start_webapp, wait_until_healthy
from serving.tokens import write_secret

WATCH = """() => {
  window.began = window.answered = null;
  document.querySelector("input[type=file]").addEventListener(
    "change", () => { window.began = performance.now() }, { capture: true, once: true });
  const watch = new MutationObserver(() => {
    if (![...document.querySelectorAll("h3")].some((one) => one.innerText.includes("%"))) return;
    watch.disconnect();
    // The second frame begins when the first has been painted.
    requestAnimationFrame(() => requestAnimationFrame(
      () => { window.answered = performance.now() }));
  });
  watch.observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Measured within the page: who asks from outside waits for whatever it is doing."""

SINCE = "() => (window.answered - window.began) / 1000"
PICTURES = """() => [...document.querySelectorAll("[data-testid='stImage'] img")].filter(
  (one) => one.complete && one.naturalWidth).length >= 2"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture.

    Attributes:
        answer: Seconds until its answer stands there.
        whole: Seconds until all of the page does.
    """

    answer: float
    whole: float


@dataclass(frozen=True, slots=True)
class ClassifyPage:
    """The page in a browser that is signed in."""

    page: Any
    address: str

    def show(self, picture: Path) -> Shown:
        """Hands one picture over."""
        self.page.goto(f"{self.address}/classify")
        drawn(self.page)
        self.page.locator("[data-testid='stCheckbox'] label").first.click()
        chooser = self.page.locator("input[type=file]")
        chooser.wait_for(state="attached")
        drawn(self.page)
        self.page.evaluate(WATCH)
        began = time.perf_counter()
        chooser.set_input_files(picture)
        self.page.wait_for_function("() => window.answered")
        self.page.wait_for_function(PICTURES)
        drawn(self.page)
        whole = time.perf_counter() - began
        return Shown(float(self.page.evaluate(SINCE)), whole)


@contextmanager
def classify_page(servers: Servers, child: str, token: str) -> Iterator[ClassifyPage]:
    """The web app of one site, and its page.

    Args:
        servers: Where it is started.
        child: Address of the site's child.
        token: Of that site.
    """
    site = {"name": "site-1", "url": child, "token": token}
    write_secret(settings_path(servers.state), json.dumps({"role": "site", "sites": [site]}))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    wait_until_healthy({f"{address}/_stcore/health": start_webapp(servers, port)})
    with opened_page() as page:
        page.goto(one_time_link(servers, address))
        drawn(page)
        yield ClassifyPage(page, address)
