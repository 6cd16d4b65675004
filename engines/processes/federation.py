"""Starts a master and its children as servers of this machine, each with its tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from engines.processes.client import Api, Child, Master
from engines.processes.errors import CallFailed
from engines.processes.servers import Servers, cores
from serving.tokens import read_secret, write_secret

START_SECONDS = 60.0
"""Time that a server has to start: far more than it needs, for busy machines."""


def start_seconds(together: int) -> float:
    """Time that each of so many servers has that start at once: they share the cores."""
    return START_SECONDS * max(1.0, together / cores())


@dataclass(frozen=True, slots=True)
class FederationSettings:
    """What to start.

    Attributes:
        sites: Names of the children.
        ports: Ports by server name; one that is not named takes a free port.
        urls: Addresses where the master reaches a child, by site, if not directly; None for
            a child that it cannot reach, which asks for its work.
        master_options: Further options of `python -m master serve`.
        child_options: Further options of `python -m child serve`.
    """

    sites: tuple[str, ...]
    ports: Mapping[str, int] = field(default_factory=dict)
    urls: Mapping[str, str | None] = field(default_factory=dict)
    master_options: tuple[str, ...] = ()
    child_options: tuple[str, ...] = ()


def master_options(pretrained: Path | None) -> tuple[str, ...]:
    """What tells a master where the weights lie that plans name; nothing where it has a folder."""
    return ("--pretrained", str(pretrained)) if pretrained else ()


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
    patience = start_seconds(len(settings.sites))
    children = {name: child_of(servers, name, patience) for name in settings.sites}
    return Federation(
        master,
        {name: Child(*child) for name, child in children.items()},
        {"master": token} | {name: token for name, (_, token) in children.items()},
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
    return url, kept_token(servers.state, "master", url, "/nodes", lambda: operator_token(state))


def start_child(servers: Servers, settings: FederationSettings, name: str, master: Master) -> None:
    """Starts a child; it enrols by itself. The cores are shared out among the children."""
    url = settings.urls.get(name, "auto")
    servers.spawn(
        name,
        [
            *("child", "serve", "--state", str(child_state(servers.state, name))),
            *("--port", str(settings.ports.get(name, 0)), "--name", name, "--master", master.url),
            *(("--url", url) if url is not None else ()),
            *("--threads", str(max(1, cores() // len(settings.sites)))),
            *settings.child_options,
        ],
        # Needed on its first start only; single-use and short-lived, so one more is no harm.
        {"COMMONSIGHT_JOIN_TOKEN": master.join_token(approve=True)},
    )


def child_of(servers: Servers, name: str, patience: float = START_SECONDS) -> tuple[str, str]:
    """Address and site token of a child that was started; waits for it so many seconds."""
    state = child_state(servers.state, name)
    url = servers[name].wait_for_address(patience)
    return url, kept_token(servers.state, name, url, "/status", lambda: site_token(state))


def child_state(state: Path, name: str) -> Path:
    """Where a child keeps everything that it owns."""
    return state / "children" / name


def kept_token(state: Path, name: str, url: str, path: str, mint: Callable[[], str]) -> str:
    """The token of an earlier start if it still opens `path`, else a new one, kept for the next."""
    place = state / "tokens" / name
    kept = read_secret(place)
    if kept and _opens(Api(url, kept), path):
        return kept
    token = mint()
    write_secret(place, token)
    return token


def operator_token(state: Path) -> str:
    """A new operator's token of the master in a folder; `python -m master token` gives such."""
    # Imported while the servers start, so that they need not wait for it.
    from master.settings import Settings
    from master.state_folder import open_state
    from master.store import tokens

    database, _ = open_state(Settings(state))
    with closing(database), database.write() as session:
        return tokens.mint(session, "operator", time.time())


def site_token(state: Path) -> str:
    """A new token of the child in a folder; `python -m child token` gives such."""
    from child.state_folder import StateFolder
    from child.store.opening import open_database
    from child.store.tokens import TokenStore

    with closing(open_database(StateFolder(state))) as database:
        return TokenStore(database, time.time).mint("site")


def _opens(api: Api, path: str) -> bool:
    with closing(api):
        try:
            api.get(path)
        except CallFailed as error:
            if error.status not in (401, 403):
                raise
            return False
    return True
