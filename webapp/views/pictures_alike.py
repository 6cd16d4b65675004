"""Pictures that look alike, side by side, for whoever knows whether they are the same."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStudy
from webapp.desk import Site
from webapp.layout import guard
from webapp.texts import text
from webapp.views.pictures_gallery import picture_tile


def alike_pictures(site: Site, held: ChildStudy) -> None:
    """Pairs, once they are asked for: comparing every picture with every other takes a while."""
    if sum(held.counts.values()) + held.unlabelled < 2:
        return
    wanted = st.toggle(
        text("alike.show"), key=f"alike-{site.name}-{held.study.id}", help=text("alike.help")
    )
    if not wanted:
        return
    with guard():
        found = site.child.alike(held.study.id)
        st.markdown(
            text("alike.found", count=len(found.pairs), looked=found.looked, total=found.total)
        )
        with st.grid(min_column_width=300, gap="medium", key="alike"):
            for number, pair in enumerate(found.pairs):
                with st.container(border=True):
                    if pair.one.label != pair.other.label:
                        st.badge(
                            text("alike.labels_differ"), icon=":material/warning:", color="orange"
                        )
                    with st.grid(min_column_width=112, gap="small"):
                        for place, picture in enumerate((pair.one, pair.other)):
                            with st.container(gap="xsmall"):
                                picture_tile(site, held, picture, f"alike-{number}-{place}-")
