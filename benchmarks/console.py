"""The operator's pages with a long past behind them: how soon each is drawn, and what it asks.

A master with 50 sites, 200 rounds and a round under way; the web app in the role `console` before
it, and Chromium before that. Between web app and master a proxy counts.

* drawn: from asking for the address, in a browser that is signed in, to the moment when the page's
  last line is there, every chart is drawn and nothing is running;
* the bound: the same of a page of Streamlit with a single line, in the same browser;
* a viewer: calls at the master a second while somebody looks at the page, whether or not it
  refreshes itself.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.browser import Look, Received, drawn, look, opened_page
from benchmarks.counting_proxy import Counts, counting_proxy
from benchmarks.figures import Figure, Report
from benchmarks.long_history import History, long_history
from benchmarks.streamlit_servers import free_port, one_time_link
from engines.processes.servers import Servers
from engines.processes.webapp_server import settings_path, start_webapp, wait_until_healthy
from serving.tokens import write_secret

PAGES = ("overview", "sites", "train", "results", "compare", "rewards", "system")
TABS = ("sites", "model", "evaluation", "audit", "credits", "events", "settings")
BOUND = "an empty page"
EMPTY_PAGE = Path(__file__).with_name("empty_page.py")


@dataclass(frozen=True, slots=True)
class Care:
    """How much is measured.

    Attributes:
        looks: Loads of each page.
        seconds: How long each is then left alone, while calls are counted.
    """

    looks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One page.

    Attributes:
        name: Of the page.
        looks: Its loads.
        calls: At the master, a second.
        load: Of the machine meanwhile: the middle of the minute's average.
    """

    name: str
    looks: Sequence[Look]
    calls: float
    load: float

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of each load."""
        return tuple(look.seconds for look in self.looks)

    def cpu(self, who: str) -> float:
        """The middle of the CPU seconds that a load took."""
        return statistics.median(look.cpu.get(who, 0.0) for look in self.looks)


def run(quick: bool) -> Report:
    """Writes a past, then looks at every page."""
    sites, rounds = (10, 5) if quick else (50, 200)
    care = Care(3, 5.0) if quick else Care(5, 15.0)
    with (
        tempfile.TemporaryDirectory() as name,
        Servers(Path(name), os.environ) as servers,
        long_history(servers, sites, rounds) as history,
    ):
        seen = look_at(servers, history, addresses(history, in_tabs=not quick), care)
        facts = {"sites": sites, "rounds": rounds, "seconds_to_fill": round(history.seconds)}
    return Report("console", figures(seen), facts, layout(seen))


def addresses(history: History, *, in_tabs: bool) -> dict[str, str]:
    """Every page of the console, and what stands in the address of some."""
    past = f"results?run={history.past}"
    tabs = {f"  its tab {tab}": f"{past}&tab={tab}" for tab in TABS} if in_tabs else {}
    return {
        **{page: page for page in PAGES},
        "sites (one site)": "sites?site=clinic-01",
        "results (a run of all rounds)": past,
        **tabs,
    }


def look_at(servers: Servers, history: History, pages: Mapping[str, str], care: Care) -> list[Seen]:
    """Looks at every page, and counts what the master is asked meanwhile."""
    counts = Counts()
    master = history.federation.master.url
    with counting_proxy(master, counts) as proxy, opened_page() as page:
        address = _web_app(servers, proxy, history.federation.tokens["master"])
        processes = {name: servers[name].pid for name in ("master", "webapp")}
        received = Received(page)
        seen = [_seen(page, received, BOUND, _empty_page(servers), {}, counts, Care(care.looks, 0))]
        page.goto(one_time_link(servers, address))
        drawn(page)
        for name, path in pages.items():
            found = _seen(page, received, name, f"{address}/{path}", processes, counts, care)
            seen.append(found)
            print(row_of(found), file=sys.stderr, flush=True)
        return seen


def _seen(
    page: Any,
    received: Received,
    name: str,
    address: str,
    processes: dict[str, int],
    counts: Counts,
    care: Care,
) -> Seen:
    looks, loads = [], []
    for _ in range(care.looks):
        looks.append(look(page, received, address, processes))
        loads.append(os.getloadavg()[0])
    counts.clear()
    # Not `time.sleep`: the browser's messages are to be taken meanwhile.
    page.wait_for_timeout(1000 * care.seconds)
    asked = sum(counts.calls.values()) / care.seconds if care.seconds else 0.0
    return Seen(name, looks, asked, statistics.median(loads))


def figures(seen: Sequence[Seen]) -> list[Figure]:
    """What stands in the file."""
    found = []
    for one in seen:
        key = "".join(letter if letter.isalnum() else "_" for letter in one.name.strip())
        found += [
            Figure(f"{key}_seconds", f"{one.name}: drawn", one.seconds, "s"),
            Figure(f"{key}_best", "  at best", (min(one.seconds),), "s"),
            Figure(f"{key}_calls", "  calls at the master", (one.calls,), "/s"),
        ]
    pages = [one for one in seen if one.name != BOUND]
    slowest = max(statistics.median(one.seconds) for one in pages)
    most = max(one.calls for one in pages)
    return [
        *found,
        Figure("slowest_seconds", "the slowest page; goal 2 s", (slowest,), "s"),
        Figure("most_calls", "the page that asks most; goal 2/s", (most,), "/s"),
    ]


HEAD = (
    "page",
    "best (s)",
    "median (s)",
    "all (s)",
    "CPU web app",
    "CPU master",
    "CPU browser",
    "messages, kB",
    "calls/s",
    "load",
)


def layout(seen: Sequence[Seen]) -> str:
    """The table: a row a page, CPU in seconds a load."""
    head = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    return "\n".join([*head, *map(row_of, seen)])


def row_of(one: Seen) -> str:
    """A page's row."""
    messages = statistics.median(look.messages for look in one.looks)
    nbytes = statistics.median(look.nbytes for look in one.looks)
    cells = (
        one.name,
        f"{min(one.seconds):.2f}",
        f"{statistics.median(one.seconds):.2f}",
        f"{min(one.seconds):.2f} to {max(one.seconds):.2f}",
        *(f"{one.cpu(who):.2f}" for who in ("webapp", "master", "browser")),
        f"{messages:.0f}, {nbytes / 1000:.0f}",
        f"{one.calls:.1f}",
        f"{one.load:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _web_app(servers: Servers, master: str, token: str) -> str:
    """A web app for an operator; its address."""
    document = {"role": "console", "master": {"url": master, "token": token}}
    write_secret(settings_path(servers.state), json.dumps(document))
    port = free_port()
    process = start_webapp(servers, port)
    address = f"http://127.0.0.1:{port}"
    wait_until_healthy({f"{address}/_stcore/health": process})
    return address


def _empty_page(servers: Servers) -> str:
    """A web app of a single line; its address."""
    port = free_port()
    options = ("--server.port", str(port), "--server.address", "127.0.0.1")
    command = ["streamlit", "run", str(EMPTY_PAGE), *options, "--server.headless", "true"]
    process = servers.spawn("empty", command)
    address = f"http://127.0.0.1:{port}"
    wait_until_healthy({f"{address}/_stcore/health": process})
    return address
