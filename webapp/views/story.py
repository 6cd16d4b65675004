"""The story in six drawn panels: what travels, and what stays."""

from __future__ import annotations

import base64
from pathlib import Path

import streamlit as st

from webapp.desk import Desk
from webapp.layout import opening, section
from webapp.texts import text

PANELS = 6
DRAWINGS = Path(__file__).parents[1] / "assets" / "story"


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("story")
    section("story.panels")
    with st.grid(min_column_width=300, gap="medium"):
        for number in range(1, PANELS + 1):
            _panel(number)
    section("story.sums_up")
    travels, stays = st.columns(2)
    with travels, st.container(border=True, height="stretch"):
        st.subheader(text("story.travels"), anchor=False)
        st.markdown(text("story.travels_list"))
    with stays, st.container(border=True, height="stretch"):
        st.subheader(text("story.stays"), anchor=False)
        st.markdown(text("story.stays_list"))
    st.markdown(text("story.honest"))
    if "by_hand" in desk.pages:
        st.page_link(desk.pages["by_hand"], label=text("story.next"), icon=":material/calculate:")


def _panel(number: int) -> None:
    with st.container(border=True, height="stretch"):
        st.image(drawing(number), alt=text(f"story.alt{number}"), width="stretch")
        st.subheader(text(f"story.heading{number}"), anchor=False)
        st.markdown(text(f"story.panel{number}"))


def drawing(number: int) -> str:
    """A panel as an address that holds the drawing itself.

    Args:
        number: 1 to `PANELS`.
    """
    content = (DRAWINGS / f"panel{number}.svg").read_bytes()
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode()
