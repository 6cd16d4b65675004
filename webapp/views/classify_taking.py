"""How to take the picture, and taking it: from a file or with the device's camera."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.study import Study
from webapp.desk import Site
from webapp.forgetting import turn
from webapp.skin import KINDS, Kind, usual_kind
from webapp.texts import text

SOURCES = ("file", "camera")


def kind_of(study: Study) -> Kind:
    """What the picture shows, as the clinician says it, and how to take such a picture."""
    chosen = st.segmented_control(
        text("classify.kind"),
        KINDS,
        default=usual_kind(study),
        required=True,
        format_func=lambda kind: text(f"classify.kind_{kind}"),
        key=f"kind-{study.id}",
    )
    kind: Kind = next((one for one in KINDS if one == chosen), "other")
    with st.expander(text("classify.taking"), icon=":material/center_focus_strong:"):
        st.markdown(text(f"classify.tips_{kind}"))
    return kind


def taken(site: Site) -> UploadedFile | None:
    """The picture, once there is one; the number in the key empties the widget."""
    source = st.segmented_control(
        text("classify.source"),
        SOURCES,
        default=SOURCES[0],
        required=True,
        format_func=lambda name: text(f"classify.source_{name}"),
        key="source",
    )
    if source == "camera":
        st.caption(text("classify.camera_needs"))
        return st.camera_input(text("classify.camera"), key=f"camera-{site.name}-{turn()}")
    return st.file_uploader(
        text("classify.choose"), type=["jpg", "jpeg", "png"], key=f"classify-{site.name}-{turn()}"
    )
