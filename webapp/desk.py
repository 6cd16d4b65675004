"""What a page works with: the role, the servers that this role may call, and the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import streamlit as st

from webapp.api import ChildApi, Connection, MasterApi
from webapp.gate.members import NOBODY, Members, members_of
from webapp.settings import Role, ServerSettings, Settings, load_settings


@dataclass(frozen=True)
class Site:
    """A site whose child this web app may call."""

    name: str
    child: ChildApi


@dataclass(frozen=True)
class Desk:
    """Everything that a page needs from outside.

    Attributes:
        role: Whom the web app serves.
        master: None where the role has no business with the master.
        sites: The children; empty where the role must not see pictures.
        now: Wall clock, seconds since the epoch.
        pages: The pages of this role by name, for links between them.
        batches: Where public pictures lie, if that is known.
        members: Who may sign in through an identity provider; nobody where links do it.
    """

    role: Role
    master: MasterApi | None
    sites: tuple[Site, ...]
    now: Callable[[], float]
    pages: Mapping[str, Any] = field(default_factory=dict)
    batches: str = ""
    members: Members = NOBODY

    @property
    def connections(self) -> dict[str, Connection]:
        """The servers by name; that of the master is empty."""
        sites = {site.name: site.child.connection for site in self.sites}
        return ({"": self.master.connection} if self.master else {}) | sites

    @property
    def operator(self) -> MasterApi:
        """The master, for pages that only roles with a master have."""
        if self.master is None:
            raise LookupError(f"the role {self.role} has no master")
        return self.master


def open_desk(settings: Settings, session: requests.Session) -> Desk:
    """The desk of these settings; no server is called yet."""

    def connect(server: ServerSettings) -> Connection:
        return Connection(server.url, server.token, session, time.monotonic)

    return Desk(
        role=settings.role,
        master=MasterApi(connect(settings.master)) if settings.master else None,
        sites=tuple(Site(site.name, ChildApi(connect(site))) for site in settings.sites),
        now=time.time,
        batches=settings.batches,
        members=members_of(settings),
    )


def new_session() -> requests.Session:
    """The HTTP session of all calls; the computer's proxy settings do not apply."""
    session = requests.Session()
    session.trust_env = False
    return session


def shared_desk() -> Desk:
    """The desk of this process, shared by all its viewers; a changed file is heard at once.

    Raises:
        SettingsError: The settings are missing or cannot be used.
    """
    return _desk_of(load_settings(os.environ).model_dump_json())


@st.cache_resource(show_spinner=False, max_entries=2)
def _desk_of(document: str) -> Desk:
    return open_desk(Settings.model_validate_json(document), new_session())
