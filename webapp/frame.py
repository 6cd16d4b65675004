"""The frame around the pages: navigation by role, and the look of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st

from webapp.api import ApiError
from webapp.desk import Desk, shared_desk
from webapp.layout import guard, live, problem, tell_of_change
from webapp.settings import Role, SettingsError
from webapp.texts import text
from webapp.views import (
    by_hand,
    classify,
    compare,
    overview,
    pictures,
    results,
    rewards,
    sites,
    train,
    workbench,
)
from webapp.words import plain, span, told

ASSETS = Path(__file__).parent / "assets"
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page: what draws it, and its icon in the navigation."""

    draw: Callable[[Desk], None]
    icon: str


PAGES: Mapping[str, PageEntry] = MappingProxyType(
    {
        "overview": PageEntry(overview.page, "home"),
        "workbench": PageEntry(workbench.page, "home"),
        "pictures": PageEntry(pictures.page, "photo_library"),
        "classify": PageEntry(classify.page, "image_search"),
        "train": PageEntry(train.page, "model_training"),
        "results": PageEntry(results.page, "monitoring"),
        "compare": PageEntry(compare.page, "compare_arrows"),
        "sites": PageEntry(sites.page, "hub"),
        "rewards": PageEntry(rewards.page, "award_star"),
        "by_hand": PageEntry(by_hand.page, "calculate"),
    }
)

SECTIONS: Mapping[Role, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "demo": {
            "start": ("overview",),
            "at_a_site": ("pictures", "classify"),
            "federation": ("train", "results", "compare", "sites", "rewards"),
            "learn": ("by_hand",),
        },
        "site": {"start": ("workbench",), "at_a_site": ("pictures", "classify")},
        "console": {
            "start": ("overview",),
            "federation": ("train", "results", "compare", "sites", "rewards"),
        },
        "classroom": {"learn": ("by_hand",)},
    }
)
"""Which pages a role has; what a role must not do, it has no page for."""


def main(first: str | None = None) -> None:
    """Draws the web app.

    Args:
        first: Page to open with; the first of the role where not given.
    """
    st.set_page_config(
        page_title="Commonsight",
        # A Material symbol here would be fetched from a stranger's server.
        page_icon=str(ASSETS / "icon.png"),
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(ASSETS / "style.css")
    st.logo(str(ASSETS / "mark.svg"), size="large")
    try:
        desk = shared_desk()
    except SettingsError as error:
        st.error(plain(error.detail), icon=":material/settings_alert:")
        return
    _navigate(desk, first)


def _navigate(desk: Desk, first: str | None) -> None:
    """Draws the navigation and the chosen page."""
    names = [name for group in SECTIONS[desk.role].values() for name in group]
    pages: dict[str, Any] = {}
    desk = replace(desk, pages=pages)
    for name in names:
        pages[name] = st.Page(
            partial(_draw, name, desk),
            title=text(f"nav.{name}"),
            icon=f":material/{PAGES[name].icon}:",
            url_path=name,
            default=name == (first or names[0]),
        )
    groups = {
        text(f"nav.{group}"): [pages[name] for name in members]
        for group, members in SECTIONS[desk.role].items()
    }
    chosen = st.navigation(groups, expanded=True)
    with st.sidebar:
        st.caption(text(f"role.{desk.role}"))
    chosen.run()


def _draw(name: str, desk: Desk) -> None:
    live(_silence, active=True)(desk)
    with guard():
        try:
            PAGES[name].draw(desk)
        except ApiError as error:
            problem(error)
            if error.code == "offline":
                tell_of_change(lambda: desk.now() // RETRY_SECONDS)
    st.caption(text("layout.not_a_device"))


def _silence(desk: Desk) -> None:
    """Says which servers do not answer, and that what is shown is from before."""
    for name, connection in desk.connections.items():
        silent = connection.silent_seconds
        if silent is not None:
            sentence = told("layout.silent", name=name or text("layout.master"), span=span(silent))
            st.warning(sentence, icon=":material/cloud_off:")
