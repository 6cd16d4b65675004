"""The gallery: a site's pictures page by page, those that the filter asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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
DAYS = ("from", "until")
"""What the first day and the last are called in the address."""
LOOK, LABEL = "look", "label"
"""What a page of the gallery is for."""


@dataclass(frozen=True, slots=True)
class View:
    """What the page's address asks for: which pictures, on which page.

    Attributes:
        label: `EVERY`, `UNLABELLED`, or a class behind `CLASS`.
        days: The first day and the last, or none.
        same_as: Picture whose lesion or patient is looked at alone; empty for none.
        number: The page's, from 1.
    """

    label: str
    days: tuple[date, ...]
    same_as: str
    number: int

    @property
    def mark(self) -> str:
        """Tells what is let through from all else that could be."""
        return "-".join((self.label, *map(str, self.days), self.same_as))


def gallery(site: Site, held: ChildStudy) -> None:
    """Pictures page by page, to look at or to label; what is chosen stands in the address."""
    if not sum(held.counts.values()) + held.unlabelled:
        st.markdown(text("pictures.empty"))
        return
    options = [EVERY, *(f"{CLASS}{name}" for name in held.study.classes), UNLABELLED]
    view = _view(options)
    with st.container(horizontal=True, gap="medium"):
        _choose_label(site, options, view)
        _choose_days(site, view)
        purpose = _choose_purpose(site)
    if view.same_as:
        _told_of_one()
    found = _page(site, held, view)
    if not found.images:
        st.markdown(text("pictures.none_found"))
    elif purpose == LABEL:
        labelling(site, held, found.images, view.mark)
    else:
        _tiles(site, held, found)


def _view(options: Sequence[str]) -> View:
    asked = st.query_params.to_dict()
    label, number = asked.get("label", EVERY), asked.get("number", "1")
    days: tuple[date, ...] = ()
    with suppress(ValueError):
        days = tuple(date.fromisoformat(asked.get(name, "")) for name in DAYS)
    return View(
        label=label if label in options else EVERY,
        days=days,
        same_as=asked["with"] if re.fullmatch("[0-9a-f]{64}", asked.get("with", "")) else "",
        number=int(number) if re.fullmatch("[1-9][0-9]{0,5}", number) else 1,
    )


def _go(**asked: str) -> None:
    """Writes into the address what is looked at, on the first page; empty for nothing."""
    for name, value in {"number": "", **asked}.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _choose_label(site: Site, options: Sequence[str], view: View) -> None:
    key = f"filter-{site.name}"
    st.session_state[key] = view.label
    st.pills(
        text("pictures.filter"),
        options,
        required=True,
        format_func=_filter_name,
        key=key,
        on_change=lambda: _go(label=st.session_state[key]),
    )


def _choose_days(site: Site, view: View) -> None:
    key = f"days-{site.name}"
    # Where one day of two has been chosen, the other is still to come.
    if view.days or len(st.session_state.get(key, ())) != 1:
        st.session_state[key] = view.days
    st.date_input(
        text("pictures.days"),
        key=key,
        width=320,
        format=text("pictures.days_format"),
        on_change=lambda: _went(st.session_state[key]),
    )


def _went(days: Sequence[date]) -> None:
    if len(days) != 1:
        _go(**dict(zip(DAYS, map(str, days or ("", "")), strict=True)))


def _choose_purpose(site: Site) -> str:
    key = f"gallery-{site.name}"
    wanted = st.query_params.get("gallery")
    st.session_state[key] = wanted if wanted == LABEL else LOOK
    return str(
        st.segmented_control(
            text("pictures.purpose"),
            [LOOK, LABEL],
            required=True,
            format_func=lambda name: text(f"pictures.to_{name}"),
            key=key,
            on_change=lambda: st.query_params.update(gallery=st.session_state[key]),
        )
    )


def _told_of_one() -> None:
    """Says that one lesion or patient is looked at alone, and leads back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text("pictures.of_one"))
        st.button(text("pictures.show_all"), key="of-all", on_click=_go, kwargs={"with": ""})


def _times(days: Sequence[date]) -> tuple[float | None, float | None]:
    """From the first day's beginning to the last one's end, as this computer's clock has them."""
    if len(days) != len(DAYS):
        return None, None
    first, last = (datetime.combine(day, time()) for day in days)
    return first.timestamp(), (last + timedelta(days=1)).timestamp()


def _page(site: Site, held: ChildStudy, view: View) -> Pictures:
    """The page that is open, of all that the filter lets through."""
    number, found = view.number, _asked(site, held, view, view.number)
    pages = max(ceil(found.total / PAGE_SIZE), 1)
    if number > pages:
        # The last page's pictures were deleted, or have another label now.
        number, found = pages, _asked(site, held, view, pages)
    if pages > 1:
        key = f"page-{site.name}"
        st.session_state[key] = number
        st.pagination(pages, key=key, on_change=lambda: _go(number=str(st.session_state[key])))
    return found


def _asked(site: Site, held: ChildStudy, view: View, number: int) -> Pictures:
    since, until = _times(view.days)
    label = view.label
    return site.child.pictures(
        held.study.id,
        label=label.removeprefix(CLASS) if label.startswith(CLASS) else None,
        unlabelled=label == UNLABELLED,
        since=since,
        until=until,
        same_as=view.same_as or None,
        offset=(number - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )


def _filter_name(label: str) -> str:
    names = {EVERY: "pictures.all", UNLABELLED: "pictures.unlabelled"}
    return text(names[label]) if label in names else plain(label.removeprefix(CLASS))


def _tiles(site: Site, held: ChildStudy, found: Pictures) -> None:
    with st.grid(min_column_width=124, gap="small", key="gallery"):
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
    if picture.grouped:
        st.button(
            text("pictures.same"),
            icon=":material/person_search:",
            key=f"same-{key}{picture.id}",
            on_click=_go,
            kwargs={"label": "", "from": "", "until": "", "with": picture.id},
        )
    with st.container(horizontal=True, vertical_alignment="center"):
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
