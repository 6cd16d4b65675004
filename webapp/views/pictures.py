"""A site's own pictures: adding, importing, looking, giving another label, deleting."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStatus, ChildStudy
from webapp.charts import counts_by_site
from webapp.desk import Desk, Site
from webapp.layout import choose_site, opening, section, show
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.views.pictures_adding import adding, verdicts_of
from webapp.views.pictures_gallery import gallery
from webapp.views.pictures_import import importing
from webapp.words import told


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("pictures")
    site = choose_site(desk)
    status = site.child.status()
    st.info(
        told("pictures.stays", site=site.name, storage=status.storage),
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
    _counts(site, held, status)
    gallery(site, held)


def _counts(site: Site, held: ChildStudy, status: ChildStatus) -> None:
    total = sum(held.counts.values()) + held.unlabelled
    st.markdown(
        text("pictures.count", count=total, new=held.new_labelled, unlabelled=held.unlabelled)
    )
    if total:
        show(counts_by_site({site.name: held.counts}, held.study.classes), "site-counts")
    if status.demo:
        st.caption(text("pictures.demo"))
