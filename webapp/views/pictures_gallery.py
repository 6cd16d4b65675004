"""The gallery: a site's pictures page by page, those that the filter asks for."""

from __future__ import annotations

import datetime
from math import ceil

import streamlit as st

from federated.views import ChildStudy, PictureView
from webapp.api import ApiError
from webapp.api.child_api import Pictures
from webapp.desk import Site
from webapp.layout import problem
from webapp.texts import text
from webapp.views.pictures_labels import labelling
from webapp.words import plain

PAGE_SIZE = 24
EVERY, UNLABELLED, CLASS = "all", "none", "class:"
"""Options of the filter; a class has its name behind `CLASS`, so that none can be mistaken."""
LOOK, LABEL = "look", "label"
"""What a page of the gallery is for."""


def gallery(site: Site, held: ChildStudy) -> None:
    """Pictures page by page, to look at or to label."""
    if not sum(held.counts.values()) + held.unlabelled:
        st.markdown(text("pictures.empty"))
        return
    options = [EVERY, *(f"{CLASS}{name}" for name in held.study.classes), UNLABELLED]
    label = st.pills(
        text("pictures.filter"),
        options,
        default=EVERY,
        required=True,
        format_func=_filter_name,
        key=f"filter-{site.name}",
    )
    days = st.date_input(text("pictures.days"), [], key=f"days-{site.name}", width=320)
    purpose = st.segmented_control(
        text("pictures.purpose"),
        [LOOK, LABEL],
        default=LOOK,
        required=True,
        format_func=lambda name: text(f"pictures.to_{name}"),
        key=f"gallery-{site.name}",
    )
    since, until = _times(days)
    view = f"{label}-{since}-{until}"
    found = _page(site, held, str(label), since, until, view)
    if not found.images:
        st.markdown(text("pictures.none_found"))
    elif purpose == LABEL:
        labelling(site, held, found.images, view)
    else:
        _tiles(site, held, found)


def _times(days: object) -> tuple[float | None, float | None]:
    """From the first day's beginning to the last one's end, as this computer's clock has them."""
    if not isinstance(days, tuple) or len(days) != 2:
        return None, None
    first, last = (datetime.datetime.combine(day, datetime.time()) for day in days)
    return first.timestamp(), (last + datetime.timedelta(days=1)).timestamp()


def _page(
    site: Site, held: ChildStudy, label: str, since: float | None, until: float | None, view: str
) -> Pictures:
    """The page that is open, of all that the filter lets through."""
    key = f"page-{site.name}-{view}"
    number = int(st.session_state.get(key, 1))
    found = _asked(site, held, label, since, until, number)
    pages = max(ceil(found.total / PAGE_SIZE), 1)
    if number > pages:
        # The last page's pictures were deleted, or have another label now.
        st.session_state[key] = number = pages
        found = _asked(site, held, label, since, until, number)
    if pages > 1:
        st.pagination(pages, key=key)
    return found


def _asked(
    site: Site, held: ChildStudy, label: str, since: float | None, until: float | None, number: int
) -> Pictures:
    return site.child.pictures(
        held.study.id,
        label=label.removeprefix(CLASS) if label.startswith(CLASS) else None,
        unlabelled=label == UNLABELLED,
        since=since,
        until=until,
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )


def _filter_name(label: str) -> str:
    names = {EVERY: "pictures.all", UNLABELLED: "pictures.unlabelled"}
    return text(names[label]) if label in names else plain(label.removeprefix(CLASS))


def _tiles(site: Site, held: ChildStudy, found: Pictures) -> None:
    with st.grid(min_column_width=124, gap="medium", key="gallery"):
        for picture in found.images:
            with st.container(gap="xsmall"):
                picture_tile(site, held, picture)


def picture_tile(site: Site, held: ChildStudy, picture: PictureView, key: str = "") -> None:
    """A picture with its label, which can be changed; `key` tells it from itself elsewhere."""
    name = picture.label or text("pictures.unlabelled")
    alt = text("pictures.alt", label=name, id=picture.id[:8])
    try:
        st.image(site.child.thumbnail(held.study.id, picture.id), alt=alt, width="stretch")
    except ApiError as error:
        problem(error)
    with st.popover(plain(name), type="tertiary", key=f"more-{key}{picture.id}"):
        _change(site, held, picture, key)


def _change(site: Site, held: ChildStudy, picture: PictureView, key: str) -> None:
    """Another label, or none of this picture any more."""
    size = f"{picture.width} × {picture.height}"
    part = text(f"part.{picture.part}") if picture.part else text("part.none")
    st.caption(text("pictures.facts", size=size, part=part))
    classes = list(held.study.classes)
    place = classes.index(picture.label) if picture.label in classes else None
    label = st.selectbox(
        text("pictures.new_label"), classes, index=place, key=f"label-{key}{picture.id}"
    )
    with st.container(horizontal=True):
        save = st.button(text("pictures.save"), key=f"save-{key}{picture.id}")
        sure = st.checkbox(text("pictures.sure"), key=f"sure-{key}{picture.id}")
        delete = st.button(
            text("pictures.delete"), key=f"delete-{key}{picture.id}", disabled=not sure
        )
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
