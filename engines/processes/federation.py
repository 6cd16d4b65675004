"""Starts a master and its children as servers of this machine, each with its tokens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from engines.processes.client import Api, Child, Master
from engines.processes.errors import CallFailed, ServerFailed
from engines.processes.servers import ROOT, Servers, cores
from serving.tokens import read_secret, write_secret

START_SECONDS = 60.0
"""Time that a server has to start: far more than it needs, for busy machines."""


@dataclass(frozen=True, slots=True)
class FederationSettings:
    """What to start.

    Attributes:
        sites: Names of the children.
        ports: Ports by server name; one that is not named takes a free port.
        urls: Addresses where the master reaches a child, by site, if not directly.
        master_options: Further options of `python -m master serve`.
        child_options: Further options of `python -m child serve`.
    """

    sites: tuple[str, ...]
    ports: Mapping[str, int] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    master_options: tuple[str, ...] = ()
    child_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Federation:
    """Clients of running servers.

    Attributes:
        master: As its operator calls it.
        children: As their sites call them, by name.
        tokens: The operator's token under `master`, the sites' under their names.
    """

    master: Master
    children: Mapping[str, Child]
    tokens: Mapping[str, str]


def start_federation(servers: Servers, settings: FederationSettings) -> Federation:
    """Starts master and children, and enrols the children with approval.

    Raises:
        ServerFailed: A server did not start.
    """
    url, token = start_master(servers, settings)
    master = Master(url, token)
    for name in settings.sites:
        start_child(servers, settings, name, master)
    with ThreadPoolExecutor(len(settings.sites)) as pool:
        children = list(pool.map(lambda name: child_of(servers, name), settings.sites))
    tokens = {name: token for name, (_, token) in zip(settings.sites, children, strict=True)}
    return Federation(
        master,
        {name: Child(*child) for name, child in zip(settings.sites, children, strict=True)},
        tokens | {"master": token},
    )


def start_master(servers: Servers, settings: FederationSettings) -> tuple[str, str]:
    """Starts the master; returns its address and an operator's token."""
    state = servers.state / "master"
    process = servers.spawn(
        "master",
        [
            *("master", "serve", "--state", str(state)),
            *("--port", str(settings.ports.get("master", 0)), "--threads", str(cores())),
            *settings.master_options,
        ],
    )
    url = process.wait_for_address(START_SECONDS)
    mint = ["master", "token", "--state", str(state), "--role", "operator"]
    return url, kept_token(servers, "master", url, "/nodes", mint)


def start_child(servers: Servers, settings: FederationSettings, name: str, master: Master) -> None:
    """Starts a child; it enrols by itself. The cores are shared out among the children."""
    servers.spawn(
        name,
        [
            *("child", "serve", "--state", str(child_state(servers.state, name))),
            *("--port", str(settings.ports.get(name, 0)), "--name", name, "--master", master.url),
            *("--url", settings.urls.get(name, "auto")),
            *("--threads", str(max(1, cores() // len(settings.sites)))),
            *settings.child_options,
        ],
        # Needed on its first start only; single-use and short-lived, so one more is no harm.
        {"COMMONSIGHT_JOIN_TOKEN": master.join_token(approve=True)},
    )


def child_of(servers: Servers, name: str) -> tuple[str, str]:
    """Address and site token of a child that was started."""
    url = servers[name].wait_for_address(START_SECONDS)
    mint = ["child", "token", "--state", str(child_state(servers.state, name))]
    return url, kept_token(servers, name, url, "/status", mint)


def child_state(state: Path, name: str) -> Path:
    """Where a child keeps everything that it owns."""
    return state / "children" / name


def kept_token(servers: Servers, name: str, url: str, path: str, mint: Sequence[str]) -> str:
    """The token of an earlier start if it still opens `path`, else a new one, kept for the next."""
    place = servers.state / "tokens" / name
    kept = read_secret(place)
    if kept and _opens(Api(url, kept), path):
        return kept
    token = minted_token(servers, mint)
    write_secret(place, token)
    return token


def minted_token(servers: Servers, command: Sequence[str]) -> str:
    """What a server's `token` command prints.

    Raises:
        ServerFailed: The command did not print a token.
    """
    result = subprocess.run(
        [sys.executable, "-m", *command],
        env=servers.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode or not result.stdout.strip():
        last = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ServerFailed(f"'{' '.join(command[:2])}' gave no token ({last})")
    return result.stdout.strip().splitlines()[-1]


def _opens(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except CallFailed as error:
        if error.status not in (401, 403):
            raise
        return False
    finally:
        api.close()
    return True
