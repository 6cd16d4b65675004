"""What was removed from the file, and whether the picture is good enough."""

from __future__ import annotations

import streamlit as st

from federated.picture_quality import Band, PictureQuality
from federated.views import Prediction
from webapp.answer_words import found, removed_words
from webapp.layout import section
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    Colour,
    commas,
    told,
)

GPS = "GPS position"
SIGNS: dict[Band, tuple[str, Colour]] = {
    "good": ("check_circle", "green"),
    "fair": ("info", "orange"),
    "poor": ("error", "red"),
}


def arrived(prediction: Prediction) -> None:
    """Draws what the child dropped from the file and what it found of the pixels."""
    section("classify.arrived")
    st.markdown(told("classify.removed_lead", removed=commas(removed_words(prediction))))
    if GPS in prediction.removed:
        st.info(text("classify.gps_found"), icon=":material/location_off:")
    if prediction.changed:
        st.caption(told("classify.changed", changed=commas(map(retold, prediction.changed))))
    if prediction.quality is not None:
        _quality(prediction.quality)


def _quality(quality: PictureQuality) -> None:
    st.subheader(text("quality.title"), anchor=False)
    if quality.again:
        st.warning(text("quality.again"), icon=":material/replay:")
    else:
        is_good = all(finding.band == "good" for finding in quality.findings)
        st.markdown(text("quality.good" if is_good else "quality.usable"))
    for finding in quality.findings:
        icon, colour = SIGNS[finding.band]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            aspect = text(f"quality.aspect_{finding.aspect}")
            word = f"{aspect}: {text(f'quality.band_{finding.band}')}"
            st.badge(word, icon=f":material/{icon}:", color=colour)
            st.markdown(found(finding), width="content")
    st.caption(text("quality.how"))
