"""A site's own pictures: adding, looking, giving another label, deleting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil

import streamlit as st

from federated.views import ChildStatus, ChildStudy, PictureView, UploadView
from webapp.api import ApiError
from webapp.api.child_api import NamedFile
from webapp.charts import counts_by_site
from webapp.desk import Desk, Site
from webapp.layout import choose_site, opening, problem, section, show, table
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.words import NOTHING, marked, plain, told

PAGE_SIZE = 24
FILES_PER_CALL = 8
LONGEST_WORD = 200
"""Characters of a group's word, as a child takes it."""
EVERY = ""
"""Stands for all labels in the gallery's filter, and for the file name in the upload's."""
UNLABELLED = "?"


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
    _adding(site, held)
    _verdicts(site)
    section("pictures.held")
    _counts(site, held, status)
    _gallery(site, held)


def _adding(site: Site, held: ChildStudy) -> None:
    """The form that adds pictures; the number in its key empties it once they are sent."""
    sent = st.session_state.setdefault("sent", 0)
    with st.form(f"add-{site.name}-{sent}", border=True):
        label = st.selectbox(
            text("pictures.label"),
            [EVERY, *held.study.classes],
            format_func=lambda name: name or text("pictures.from_name"),
            help=told("pictures.from_name_help", example=f"{held.study.classes[0]}_12.jpg"),
        )
        files = st.file_uploader(
            text("pictures.choose"), type=["jpg", "jpeg", "png"], accept_multiple_files=True
        )
        # The browser is not to remember the word either: it may name a patient.
        group = st.text_input(
            text("pictures.group"),
            max_chars=LONGEST_WORD,
            autocomplete="off",
            help=text("pictures.group_help"),
        )
        pressed = st.form_submit_button(
            told("pictures.add", site=site.name),
            type="primary",
            icon=":material/add_photo_alternate:",
        )
    if pressed and not files:
        st.warning(text("pictures.none_chosen"), icon=":material/info:")
    elif pressed:
        named = [(file.name, file.getvalue()) for file in files or []]
        add = partial(site.child.upload, held.study.id, label=label or None, group=group or "")
        st.session_state[_verdict_key(site)] = _upload(add, named)
        st.session_state["sent"] = sent + 1
        st.rerun()


def _verdict_key(site: Site) -> str:
    return f"verdicts-{site.name}"


def _upload(
    add: Callable[[Sequence[NamedFile]], list[UploadView]], files: Sequence[NamedFile]
) -> list[UploadView]:
    """Sends the pictures a few at a time; what was stored stays, whatever comes after."""
    verdicts: list[UploadView] = []
    bar = st.progress(0.0, text=text("pictures.sending", done=0, all=len(files)))
    for start in range(0, len(files), FILES_PER_CALL):
        some = files[start : start + FILES_PER_CALL]
        try:
            verdicts += add(some)
        except ApiError as error:
            refused = [_not_sent(name, error) for name, _ in files[start:]]
            return verdicts + refused
        done = start + len(some)
        bar.progress(done / len(files), text=text("pictures.sending", done=done, all=len(files)))
    return verdicts


def _not_sent(name: str, error: ApiError) -> UploadView:
    return UploadView(status="refused", name=name, detail=error.detail, error=error.code)


def _verdicts(site: Site) -> None:
    """What became of each file of the last upload at this site."""
    verdicts: list[UploadView] = st.session_state.get(_verdict_key(site), [])
    if not verdicts:
        return
    numbers = {
        state: sum(verdict.status == state for verdict in verdicts)
        for state in ("stored", "duplicate", "refused")
    }
    say = st.warning if numbers["refused"] else st.success
    say(text("pictures.outcome", **numbers), icon=":material/inventory_2:")
    with st.container(height=420 if len(verdicts) > 8 else "content", border=False):
        table([_verdict(verdict) for verdict in verdicts], text("pictures.outcome", **numbers))


def _verdict(verdict: UploadView) -> dict[str, object]:
    picture = verdict.picture
    sizes = [verdict.original, (picture.width, picture.height) if picture else None]
    return {
        text("pictures.file"): verdict.name,
        text("pictures.what"): marked(verdict.status),
        text("pictures.reason"): verdict.detail,
        text("pictures.label"): (picture.label if picture else None) or NOTHING,
        text("pictures.label_source"): text(f"label_source.{verdict.label_source}"),
        text("pictures.size"): " → ".join(f"{size[0]} × {size[1]}" for size in sizes if size)
        or NOTHING,
        text("pictures.removed"): ", ".join(verdict.removed) or NOTHING,
    }


def _counts(site: Site, held: ChildStudy, status: ChildStatus) -> None:
    total = sum(held.counts.values()) + held.unlabelled
    st.markdown(
        text("pictures.count", count=total, new=held.new_labelled, unlabelled=held.unlabelled)
    )
    if total:
        show(counts_by_site({site.name: held.counts}, held.study.classes), "site-counts")
    if status.demo:
        st.caption(text("pictures.demo"))


def _gallery(site: Site, held: ChildStudy) -> None:
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
