"""The web app as a test drives it: its own code whole, its servers scripted below `requests`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.webapp import sample
from tests.webapp.scripted import CHILDREN, MASTER, Script, ScriptedServers
from webapp import desk
from webapp.settings import VARIABLE

Open = Callable[..., AppTest]

MORE: dict[str, Any] = {}
"""Settings of the demo beyond the usual ones."""


def settings(role: str) -> dict[str, Any]:
    master = {"url": MASTER, "token": "operator-token"}
    sites = [{"name": n, "url": url, "token": f"token-{n}"} for n, url in CHILDREN.items()]
    return {
        "demo": {"role": "demo", "master": master, "sites": sites, **MORE},
        "console": {"role": "console", "master": master, **MORE},
        "site": {"role": "site", "sites": sites[:1]},
        "classroom": {"role": "classroom"},
    }[role]


@pytest.fixture(scope="session")
def installed_components() -> Iterator[None]:
    """Streamlit looks once a session for components in all that is installed, not at each start.

    One look takes longer than a whole page of ours.
    """
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield


@pytest.fixture
def servers() -> ScriptedServers:
    """Every server of the sample federation; a test changes or takes away what it needs."""
    return ScriptedServers(sample.federation())


@pytest.fixture
def master(servers: ScriptedServers) -> Script:
    return servers.scripts[MASTER]


@pytest.fixture
def open_app(
    servers: ScriptedServers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed_components: None,
) -> Iterator[Open]:
    """Opens the web app in a role, at a page, and runs it once."""

    def opened(page: str, role: str = "demo", **query: str) -> AppTest:
        path = tmp_path / "settings.json"
        path.write_text(json.dumps(settings(role)))
        path.chmod(0o600)
        monkeypatch.setenv(VARIABLE, str(path))
        monkeypatch.setattr(desk, "new_session", servers.session)
        st.cache_resource.clear()
        script = f"from webapp.frame import main\nmain({page!r})"
        app = AppTest.from_string(script, default_timeout=20)
        app.query_params.update(query)
        return app.run()

    yield opened
    st.cache_resource.clear()


def shown(app: AppTest) -> str:
    """Every text, label, option and table on the page and in its sidebar, joined.

    Figures and their units stand with plain spaces, whatever keeps them on one line.
    """
    elements = [*app.main, *app.sidebar]
    names = ("label", "value", "text", "options")
    told = (_told(getattr(element, name, "")) for element in elements for name in names)
    return "\n".join(told).replace("\u00a0", " ").replace("\u2060", "")


def _told(value: object) -> str:
    return value.to_csv(index=False) if isinstance(value, pd.DataFrame) else str(value)
