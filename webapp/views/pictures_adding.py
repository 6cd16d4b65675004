"""Adding pictures through the browser, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.views import ChildStudy, UploadView
from webapp.api import ApiError
from webapp.api.child_api import NamedFile
from webapp.desk import Site
from webapp.layout import table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    NOTHING,
    commas,
    marked,
    told,
)

FILES_PER_CALL = 8
MOST_FILES = 500
"""Files of one upload: the web app holds them all until they are sent."""
FEW = 8
"""Files of an upload up to which each is told of; of more, only what was refused."""
LONGEST_WORD = 200
"""Characters of a group's word, as a child takes it."""
EVERY = ""
"""Stands for the label that each file's name says."""


def adding(site: Site, held: ChildStudy) -> None:
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
    elif pressed and len(files) > MOST_FILES:
        too_many = told("pictures.too_many", count=len(files), most=MOST_FILES)
        st.warning(too_many, icon=":material/drive_folder_upload:")
    elif pressed:
        add = partial(site.child.upload, held.study.id, label=label or None, group=group or "")
        st.session_state[_verdict_key(site)] = _upload(add, files)
        st.session_state["sent"] = sent + 1
        st.rerun()


def _verdict_key(site: Site) -> str:
    return f"verdicts-{site.name}"


def _upload(
    add: Callable[[Sequence[NamedFile]], list[UploadView]], files: Sequence[UploadedFile]
) -> list[UploadView]:
    """Sends the pictures a few at a time; what was stored stays, whatever comes after."""
    verdicts: list[UploadView] = []
    bar = st.progress(0.0, text=text("pictures.sending", done=0, all=len(files)))
    for start in range(0, len(files), FILES_PER_CALL):
        # Only those under way are in memory a second time.
        some = [(file.name, file.getvalue()) for file in files[start : start + FILES_PER_CALL]]
        try:
            verdicts += add(some)
        except ApiError as error:
            refused = [_not_sent(file.name, error) for file in files[start:]]
            return verdicts + refused
        done = start + len(some)
        bar.progress(done / len(files), text=text("pictures.sending", done=done, all=len(files)))
    return verdicts


def _not_sent(name: str, error: ApiError) -> UploadView:
    return UploadView(status="refused", name=name, detail=error.detail, error=error.code)


def verdicts_of(site: Site) -> None:
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
    if len(verdicts) > FEW:
        verdicts = [verdict for verdict in verdicts if verdict.status == "refused"]
    if not verdicts:
        return
    shown = [_refusal(v) if numbers["refused"] == len(verdicts) else _verdict(v) for v in verdicts]
    with st.container(height=420 if len(verdicts) > FEW else "content", border=False):
        table(shown, text("pictures.outcome", **numbers))


def _refusal(verdict: UploadView) -> dict[str, object]:
    return {text("pictures.file"): verdict.name, text("pictures.reason"): retold(verdict.detail)}


def _verdict(verdict: UploadView) -> dict[str, object]:
    picture = verdict.picture
    sizes = [verdict.original, (picture.width, picture.height) if picture else None]
    return {
        text("pictures.file"): verdict.name,
        text("pictures.what"): marked(verdict.status),
        text("pictures.reason"): retold(verdict.detail),
        text("pictures.label"): (picture.label if picture else None) or NOTHING,
        text("pictures.label_source"): text(f"label_source.{verdict.label_source}"),
        text("pictures.size"): " → ".join(f"{size[0]} × {size[1]}" for size in sizes if size)
        or NOTHING,
        text("pictures.removed"): commas(map(retold, verdict.removed)) or NOTHING,
    }
