"""Starts the web app for everything that runs on this computer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from engines.processes.demo_pictures import batches_folder
from engines.processes.errors import WrongOption
from engines.processes.federation import START_SECONDS, Federation
from engines.processes.process import ServerProcess
from engines.processes.servers import ROOT, Servers, server_environment
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
        {"COMMONSIGHT_WEBAPP_CONFIG": str(settings_path(servers.state).absolute())},
    )


def settings_path(state: Path) -> Path:
    """The web app's settings file; it holds tokens."""
    return state / "webapp.json"


def write_webapp_settings(state: Path, federation: Federation, address: str) -> None:
    """Tells the web app whom it may call, where the demo's batches lie, and its own address.

    The file is readable by its owner only.
    """
    document = {
        "role": "demo",
        "address": address,
        "master": {"url": federation.master.url, "token": federation.tokens["master"]},
        "sites": [
            {"name": name, "url": child.url, "token": federation.tokens[name]}
            for name, child in federation.children.items()
        ],
        "batches": str(batches_folder(state).absolute()),
    }
    write_secret(settings_path(state), json.dumps(document, indent=2))


def new_link(state: Path) -> str:
    """A one-time link that signs a browser in at the web app of that state folder.

    Raises:
        WrongOption: No web app has been started with that folder.
    """
    settings = settings_path(state).absolute()
    if not settings.exists():
        raise WrongOption(
            "There is no web app to make a link for",
            expected="the state folder of a demo that has been started",
            received=state,
        )
    # The web app keeps its keys by itself, and imports nothing of ours.
    made = subprocess.run(
        [sys.executable, "-m", "webapp", "link"],
        cwd=ROOT,
        env=server_environment(os.environ) | {"COMMONSIGHT_WEBAPP_CONFIG": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise WrongOption("No link could be made", expected=made.stderr.strip()[-400:])
    return made.stdout.strip()


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
