"""The gallery: a site's pictures page by page, each with its label."""

from __future__ import annotations

from math import ceil

import streamlit as st

from federated.views import ChildStudy, PictureView
from webapp.api import ApiError
from webapp.desk import Site
from webapp.layout import problem
from webapp.texts import text
from webapp.words import plain

PAGE_SIZE = 24
EVERY = ""
"""Stands for all labels in the filter."""
UNLABELLED = "?"


def gallery(site: Site, held: ChildStudy) -> None:
    """Pictures page by page, those that the filter asks for."""
    total = sum(held.counts.values()) + held.unlabelled
    if not total:
        st.markdown(text("pictures.empty"))
        return
    label = st.pills(
        text("pictures.filter"),
        [EVERY, *held.study.classes, UNLABELLED],
        default=EVERY,
        required=True,
        format_func=_filter_name,
        key=f"filter-{site.name}",
    )
    shown = {EVERY: total, UNLABELLED: held.unlabelled}.get(label, held.counts.get(label, 0))
    pages = max(ceil(shown / PAGE_SIZE), 1)
    number = st.pagination(pages, key=f"page-{site.name}-{label}") if pages > 1 else 1
    found = site.child.pictures(
        held.study.id,
        label=label if label in held.study.classes else None,
        unlabelled=label == UNLABELLED,
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
    with st.grid(min_column_width=124, gap="medium", key="gallery"):
        for picture in found.images:
            with st.container(gap="xsmall"):
                _picture(site, held, picture)


def _filter_name(label: str) -> str:
    names = {EVERY: "pictures.all", UNLABELLED: "pictures.unlabelled"}
    return text(names[label]) if label in names else plain(label)


def _picture(site: Site, held: ChildStudy, picture: PictureView) -> None:
    name = picture.label or text("pictures.unlabelled")
    alt = text("pictures.alt", label=name, id=picture.id[:8])
    try:
        st.image(site.child.thumbnail(held.study.id, picture.id), alt=alt, width="stretch")
    except ApiError as error:
        problem(error)
    with st.popover(plain(name), type="tertiary", key=f"more-{picture.id}"):
        _change(site, held, picture)


def _change(site: Site, held: ChildStudy, picture: PictureView) -> None:
    """Another label, or none of this picture any more."""
    size = f"{picture.width} × {picture.height}"
    part = text(f"part.{picture.part}") if picture.part else text("part.none")
    st.caption(text("pictures.facts", size=size, part=part))
    classes = list(held.study.classes)
    place = classes.index(picture.label) if picture.label in classes else None
    label = st.selectbox(
        text("pictures.new_label"), classes, index=place, key=f"label-{picture.id}"
    )
    with st.container(horizontal=True):
        save = st.button(text("pictures.save"), key=f"save-{picture.id}")
        sure = st.checkbox(text("pictures.sure"), key=f"sure-{picture.id}")
        delete = st.button(text("pictures.delete"), key=f"delete-{picture.id}", disabled=not sure)
    try:
        if save and label:
            site.child.relabel(held.study.id, picture.id, label)
        if delete:
            site.child.delete(held.study.id, picture.id)
    except ApiError as error:
        problem(error)
    else:
        if save or delete:
            st.rerun()
