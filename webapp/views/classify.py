"""What the current global model makes of one picture; the picture is not kept."""

from __future__ import annotations

import base64
import binascii

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.views import ChildStudy, Prediction
from webapp.api import ApiError
from webapp.charts import probabilities_chart
from webapp.desk import Desk, Site
from webapp.layout import choose_site, opening, problem, section, show
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.words import percent, plain, short, sureness, told


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("classify")
    st.warning(text("classify.banner"), icon=":material/info:")
    site = choose_site(desk)
    status = site.child.status()
    held = choose_child_study(status)
    if held is None or held.weights is None:
        st.info(text("classify.no_model"), icon=":material/hourglass_top:")
        return
    _model(held)
    if not status.master_reachable:
        st.caption(text("classify.master_away"))
    if not st.checkbox(text("classify.consent"), key="consent"):
        st.markdown(text("classify.consent_first"))
        return
    st.markdown(text("classify.tips"))
    file = st.file_uploader(
        text("classify.choose"), type=["jpg", "jpeg", "png"], key=f"classify-{site.name}"
    )
    if file is not None:
        _result(site, held, file)


def _model(held: ChildStudy) -> None:
    st.markdown(told("classify.model", model=held.model, round=held.round, study=held.study.name))
    if held.round == 0:
        st.warning(text("classify.untrained"), icon=":material/warning:")


def _result(site: Site, held: ChildStudy, file: UploadedFile) -> None:
    try:
        with st.spinner(text("classify.looking")):
            prediction = _predicted(site, held, file)
    except ApiError as error:
        problem(error)
        return
    section("classify.result")
    looks, says = st.columns([2, 3], gap="large")
    with looks:
        st.image(file.getvalue(), alt=text("classify.alt"), width="stretch")
        _overlay(prediction)
    with says:
        _distribution(prediction)
        _about(prediction)


def _predicted(site: Site, held: ChildStudy, file: UploadedFile) -> Prediction:
    """The prediction; asked again only for another picture or another model."""
    question = (site.name, file.file_id, held.weights)
    kept = st.session_state.get("prediction")
    if kept and kept[0] == question:
        return Prediction.model_validate(kept[1])
    prediction = site.child.predict(held.study.id, (file.name, file.getvalue()))
    st.session_state["prediction"] = (question, prediction)
    return prediction


def _distribution(prediction: Prediction) -> None:
    name, share = max(prediction.probabilities.items(), key=lambda item: item[1])
    st.subheader(f"{plain(name)}: {percent(share)}", anchor=False)
    st.markdown(sureness(prediction.uncertainty))
    show(probabilities_chart(prediction.probabilities), "probabilities")


def _about(prediction: Prediction) -> None:
    removed = ", ".join(prediction.removed) or text("classify.nothing_removed")
    st.caption(
        told(
            "classify.about",
            round=prediction.round,
            weights=short(prediction.weights),
            removed=removed,
        )
    )


def _overlay(prediction: Prediction) -> None:
    """Where the model looked, where the child can tell."""
    if prediction.overlay is None:
        return
    try:
        overlay = base64.b64decode(prediction.overlay, validate=True)
    except binascii.Error:
        return
    st.image(
        overlay, caption=text("classify.overlay"), alt=text("classify.overlay"), width="stretch"
    )
