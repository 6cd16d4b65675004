"""Starts the web app for everything that runs on this computer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from engines.processes.demo_pictures import batches_folder
from engines.processes.federation import START_SECONDS, Federation
from engines.processes.process import ServerProcess
from engines.processes.servers import Servers
from serving.tokens import write_secret

POLL_SECONDS = 0.1


def start_webapp(servers: Servers, port: int) -> ServerProcess:
    """Starts the web app; what it may call is written later, by `write_webapp_settings`."""
    return servers.spawn(
        "webapp",
        [
            *("streamlit", "run", "webapp/app.py", "--server.port", str(port)),
            *("--server.address", "127.0.0.1", "--server.headless", "true"),
        ],
        {"COMMONSIGHT_WEBAPP_CONFIG": str(settings_path(servers.state))},
    )


def settings_path(state: Path) -> Path:
    """The web app's settings file; it holds tokens."""
    return state / "webapp.json"


def write_webapp_settings(state: Path, federation: Federation) -> None:
    """Tells the web app whom it may call, and where the demo's batches lie.

    The file is readable by its owner only.
    """
    document = {
        "role": "demo",
        "master": {"url": federation.master.url, "token": federation.tokens["master"]},
        "sites": [
            {"name": name, "url": child.url, "token": federation.tokens[name]}
            for name, child in federation.children.items()
        ],
        "batches": str(batches_folder(state).absolute()),
    }
    write_secret(settings_path(state), json.dumps(document, indent=2))


def wait_until_healthy(processes: Mapping[str, ServerProcess]) -> None:
    """Waits until every address answers.

    Args:
        processes: Servers by the address of their health page.

    Raises:
        ServerFailed: One ended, or did not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    for url, process in processes.items():
        while not _answers(url):
            if process.exit_status is not None:
                raise process.failure("did not start")
            if time.monotonic() > deadline:
                raise process.failure(f"did not answer within {START_SECONDS:g} s")
            time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
