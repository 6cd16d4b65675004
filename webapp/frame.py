"""The frame around the pages: navigation by role, and the look of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import streamlit as st

from webapp.api import ApiError
from webapp.desk import Desk, shared_desk
from webapp.gate.door import sign_out, signed_in
from webapp.language import LANGUAGES, PARAMETER, chosen, language
from webapp.layout import guard, live, problem, tell_of_change
from webapp.retold import retold
from webapp.settings import Role, SettingsError
from webapp.texts import text
from webapp.widget_words import widget_words
from webapp.words import plain, span, told

ASSETS = Path(__file__).parent / "assets"
PHONE = (ASSETS / "phone.js").read_text(encoding="utf-8")
RETRY_SECONDS = 5.0

AREAS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "console": {
            "overview": "home",
            "sites": "hub",
            "train": "model_training",
            "results": "monitoring",
            "compare": "compare_arrows",
            "rewards": "award_star",
            "model_card": "description",
            "system": "dns",
        },
        "site": {
            "workbench": "cottage",
            "pictures": "photo_library",
            "classify": "image_search",
            "taking_part": "handshake",
            "model_card": "description",
        },
        "classroom": {
            "story": "auto_stories",
            "by_hand": "calculate",
            "playground": "toys",
            "replay": "replay",
            "quiz": "quiz",
        },
    }
)
"""The pages by area, each with its icon.

A page's name is that of its module in `webapp.views`, of its section in the texts and of its
address. Its title stands under `nav`.
"""

ROLES: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        "demo": ("console", "site", "classroom"),
        "console": ("console",),
        "site": ("site",),
        "classroom": ("classroom",),
    }
)
"""Which areas a role has; what a role must not do, it has no page for."""


def pages_of(role: Role) -> list[str]:
    """The names of a role's pages, in order."""
    return [*dict.fromkeys(name for area in ROLES[role] for name in AREAS[area])]


def view(name: str) -> Callable[[Desk], None]:
    """What draws the page of that name."""
    draw: Callable[[Desk], None] = import_module(f"webapp.views.{name}").page
    return draw


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
    widget_words()
    st.logo(str(ASSETS / "mark.svg"), size="large")
    try:
        desk = shared_desk()
    except SettingsError as error:
        st.error(plain(retold(error.detail)), icon=":material/settings_alert:")
        return
    if desk.members and not signed_in(desk.members):
        return
    _navigate(desk, first)


def _navigate(desk: Desk, first: str | None) -> None:
    """Draws the navigation and the chosen page."""
    first = first or pages_of(desk.role)[0]
    pages: dict[str, Any] = {}
    desk = replace(desk, pages=pages)
    for area in ROLES[desk.role]:
        pages |= {
            name: _entry(name, icon, desk, first=name == first)
            for name, icon in AREAS[area].items()
        }
    # The first page has the bare address; this one answers at its name, as every other does.
    named = _entry(first, "", desk, first=False, seen=False)
    # Streamlit's own menu puts sections into one list, which a screen reader cannot walk.
    sections = ROLES[desk.role] if len(ROLES[desk.role]) > 1 else ()
    position: Literal["hidden", "sidebar"] = "hidden" if sections else "sidebar"
    current = st.navigation([*pages.values(), named], position=position, expanded=True)
    # A page of two areas is linked once, in the later one.
    area_of = {name: area for area in sections for name in AREAS[area]}
    with st.sidebar:
        for area in sections:
            _links(area, {name: pages[name] for name in AREAS[area] if area_of[name] == area})
        st.caption(text(f"role.{desk.role}"))
        _choose_language()
        sign_out(desk)
    current.run()


def _links(area: str, pages: Mapping[str, Any]) -> None:
    """An area's heading and the links to its pages."""
    with st.container(gap=None, key=f"area-{area}"):
        st.markdown(f"**{text(f'nav.{area}')}**")
        for page in pages.values():
            st.page_link(page)


def _entry(name: str, icon: str, desk: Desk, *, first: bool, seen: bool = True) -> Any:
    """A page for the navigation; its first page's address is the bare one."""
    return st.Page(
        partial(_draw, name, desk),
        title=text(f"nav.{name}"),
        icon=f":material/{icon}:" if icon else None,
        url_path=f"{name}-first" if first else name,
        default=first,
        visibility="visible" if seen else "hidden",
    )


def _choose_language() -> None:
    """Switches the language; what was chosen stays in the address from page to page."""
    kept = chosen()
    if kept:
        st.session_state[PARAMETER] = kept
        if st.query_params.get(PARAMETER) != kept:
            st.query_params[PARAMETER] = kept
    st.session_state["choice-lang"] = language()
    st.segmented_control(
        text("layout.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        required=True,
        key="choice-lang",
        on_change=_speak,
    )
    # The page's own HTML names the language that it was loaded in (`webapp.gate.spoken`).
    named = f"document.documentElement.lang = '{language()}';\n{PHONE}"
    st.html(f"<script>{named}</script>", unsafe_allow_javascript=True)


def _speak() -> None:
    st.query_params[PARAMETER] = st.session_state["choice-lang"]


def _draw(name: str, desk: Desk) -> None:
    live(_silence, active=True)(desk)
    with guard():
        try:
            view(name)(desk)
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
