"""What a web app that is measured needs besides its process: a port, and a way in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from engines.processes.servers import ROOT, Servers
from engines.processes.webapp_server import settings_path
from federated.errors import FederationError


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def one_time_link(servers: Servers, address: str) -> str:
    """A link that signs one browser in at the web app of that address.

    Raises:
        FederationError: The web app's command gave none.
    """
    command = [sys.executable, "-m", "webapp", "link", "--address", address]
    environment = {**os.environ, "COMMONSIGHT_WEBAPP_CONFIG": str(settings_path(servers.state))}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    links = [word for word in done.stdout.split() if word.startswith(address)]
    if not links:
        raise FederationError("There is no link to sign in with", received=done.stderr[-200:])
    return links[0]
