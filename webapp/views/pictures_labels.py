"""Labels of a whole page of pictures, changed in a table and saved together."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from federated.views import ChildStudy, PictureView
from webapp.api import ApiError
from webapp.desk import Site
from webapp.layout import problem
from webapp.texts import text
from webapp.words import day

SHOWN, LABEL, ADDED = "shown", "label", "added"
"""Columns of the table, by names that no language changes."""
ROW_HEIGHT = 96


def labelling(site: Site, held: ChildStudy, pictures: Sequence[PictureView], view: str) -> None:
    """The table and its Save; nothing is sent before.

    Args:
        site: Whose pictures they are.
        held: Their study.
        pictures: One page of them.
        view: What the filter lets through; another one has a table of its own.
    """
    saved = st.session_state.setdefault("labels-saved", 0)
    with st.form(f"labels-{site.name}-{view}-{saved}", border=False):
        # Within a form nothing runs between two edits, so that none is lost.
        edited = st.data_editor(
            _rows(site, held, pictures),
            key=f"labels-{site.name}-{view}-{pictures[0].id}-{saved}",
            hide_index=True,
            num_rows="fixed",
            disabled=[SHOWN, ADDED],
            row_height=ROW_HEIGHT,
            column_config={
                SHOWN: st.column_config.ImageColumn(text("pictures.picture"), width="small"),
                LABEL: st.column_config.SelectboxColumn(
                    text("pictures.label"), options=list(held.study.classes), width="medium"
                ),
                ADDED: st.column_config.TextColumn(text("pictures.added")),
            },
            alt=text("pictures.labels_alt", count=len(pictures)),
        )
        pressed = st.form_submit_button(
            text("pictures.save_labels"), type="primary", icon=":material/save:"
        )
    if pressed:
        _save(site, held, changed(pictures, list(edited[LABEL])))


def changed(pictures: Sequence[PictureView], labels: Sequence[object]) -> dict[str, str | None]:
    """The new label of each picture that has got another one, by the picture's name."""
    new = [label if isinstance(label, str) and label else None for label in labels]
    pairs = zip(pictures, new, strict=True)
    return {picture.id: label for picture, label in pairs if label != picture.label}


def _rows(site: Site, held: ChildStudy, pictures: Sequence[PictureView]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            SHOWN: [_thumbnail(site, held, picture) for picture in pictures],
            LABEL: pd.Series([picture.label for picture in pictures], dtype=object),
            ADDED: [day(picture.added_at) for picture in pictures],
        }
    )


def _thumbnail(site: Site, held: ChildStudy, picture: PictureView) -> str | None:
    """The picture within the table itself: there is no address at which it could be had."""
    try:
        data = site.child.thumbnail(held.study.id, picture.id)
    except ApiError:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _save(site: Site, held: ChildStudy, labels: dict[str, str | None]) -> None:
    if not labels:
        st.info(text("pictures.nothing_changed"), icon=":material/info:")
        return
    try:
        for picture, label in labels.items():
            site.child.relabel(held.study.id, picture, label)
    except ApiError as error:
        problem(error)
        return
    st.session_state["labels-saved"] += 1
    st.toast(text("pictures.labels_saved", count=len(labels)), icon=":material/check_circle:")
    st.rerun()
