"""A site's own pictures: adding, importing, looking, giving another label, deleting."""

from __future__ import annotations

import streamlit as st

from webapp.desk import Desk
from webapp.layout import choose_site, opening, section
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.views.pictures_adding import adding, verdicts_of
from webapp.views.pictures_alike import alike_pictures
from webapp.views.pictures_counts import counts
from webapp.views.pictures_gallery import gallery
from webapp.views.pictures_import import importing
from webapp.words import told


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("pictures")
    site = choose_site(desk)
    status = site.child.status()
    st.info(
        told("pictures.stays", site=site.name),
        icon=":material/home_pin:",
    )
    held = choose_child_study(status)
    if held is None:
        st.markdown(text("pictures.no_study"))
        return
    adding(site, held)
    verdicts_of(site)
    importing(site, held)
    section("pictures.held")
    counts(site, held, status)
    gallery(site, held)
    alike_pictures(site, held)
