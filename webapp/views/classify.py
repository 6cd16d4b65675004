"""What the current global model makes of one picture; the picture is not kept."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.views import ChildStudy, Prediction
from webapp.api import ApiError
from webapp.desk import Desk, Site
from webapp.heat_map import Unreadable, shown
from webapp.layout import choose_site, opening, problem, section
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.views.classify_answer import answer
from webapp.words import plain, told


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered, kept while the page shows it.

    Attributes:
        question: Site, file and model.
        layer: The layer that the answer shows.
        prediction: As JSON: the class may be another one once the code was loaded anew.
        picture: The picture as it is shown.
    """

    question: tuple[str, str, str | None]
    layer: str | None
    prediction: str
    picture: Image.Image


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
            answered = _answered(site, held, file)
    except ApiError as error:
        problem(error)
        return
    prediction = Prediction.model_validate_json(answered.prediction)
    section("classify.result")
    answer(prediction, answered.picture)
    _layers(prediction, held)


def _answered(site: Site, held: ChildStudy, file: UploadedFile) -> Answered:
    """The answer; asked again only for another picture, another model or another layer."""
    layer = st.session_state.get(_layer_key(held))
    question = (site.name, file.file_id, held.weights)
    kept = st.session_state.get("answered")
    if kept and kept.question == question and layer in (None, kept.layer):
        return Answered(question, kept.layer, kept.prediction, kept.picture)
    data = file.getvalue()
    prediction = site.child.predict(held.study.id, (file.name, data), layer)
    told_of = prediction.explanation
    answered = Answered(
        question,
        told_of.layer if told_of else None,
        prediction.model_dump_json(),
        _picture(data),
    )
    st.session_state["answered"] = answered
    return answered


def _picture(data: bytes) -> Image.Image:
    try:
        return shown(data)
    except Unreadable as error:
        raise ApiError("unreadable", text("classify.unreadable")) from error


def _layers(prediction: Prediction, held: ChildStudy) -> None:
    """Any other layer, for who wants to know; the last one that finds something by default."""
    explanation = prediction.explanation
    if explanation is None or explanation.layer is None:
        return
    with st.expander(text("classify.other_layer"), type="compact"):
        st.selectbox(
            text("classify.layer"),
            list(explanation.layers),
            index=explanation.layers.index(explanation.layer),
            format_func=plain,
            key=_layer_key(held),
            help=text("classify.layer_help"),
        )


def _layer_key(held: ChildStudy) -> str:
    # Of this model alone: another one may have no layer of that name.
    return f"layer-{held.weights}"
