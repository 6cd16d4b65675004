"""What the current global model makes of one picture; the picture is not kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.views import ChildStatus, ChildStudy, Prediction
from webapp.answer_words import removed_words
from webapp.api import ApiError
from webapp.case.values import Case
from webapp.desk import Desk, Site
from webapp.forgetting import ANSWERED, drop_downloads, turn
from webapp.heat_map import Unreadable, shown
from webapp.layout import choose_site, opening, problem, section
from webapp.skin import Kind
from webapp.studies import choose_child_study
from webapp.texts import text
from webapp.views.classify_answer import answer
from webapp.views.classify_arrived import arrived
from webapp.views.classify_look import own_look
from webapp.views.classify_opinion import SENT_AS, keep, opinion
from webapp.views.classify_report import deleting, report
from webapp.views.classify_taking import kind_of, taken
from webapp.words import (
    commas,
    plain,
    short,
    told,
)


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
    """Draws the page: each step shows once the one before it is done."""
    opening("classify")
    st.warning(text("classify.banner"), icon=":material/info:")
    site = choose_site(desk)
    status = site.child.status()
    held = choose_child_study(status)
    if held is None or held.weights is None:
        st.info(text("classify.no_model"), icon=":material/hourglass_top:")
        return
    _model(desk, held)
    if not status.master_reachable:
        st.caption(text("classify.master_away"))
    if not st.checkbox(text("classify.consent"), key="consent"):
        st.markdown(text("classify.consent_first"))
        _told_of_deletion()
        return
    kind = kind_of(held.study)
    file = taken(site)
    if file is None:
        st.session_state.pop(ANSWERED, None)
        return
    _case(desk.now, site, status, held, file, kind)


def _model(desk: Desk, held: ChildStudy) -> None:
    """Which model answers, and what it cannot know."""
    st.markdown(
        told(
            "classify.model",
            model=held.model,
            round=held.round,
            weights=short(held.weights or ""),
            study=held.study.name,
            classes=commas(held.study.classes),
        )
    )
    st.caption(text("classify.limits"))
    card = desk.pages.get("model_card")
    if card is not None:
        st.page_link(card, label=text("classify.card"), icon=":material/description:")
    if held.round == 0:
        st.warning(text("classify.untrained"), icon=":material/warning:")


def _told_of_deletion() -> None:
    """Said once: the next thing that is drawn has forgotten it."""
    if turn() != st.session_state.get("told-of-deletion", 0):
        st.session_state["told-of-deletion"] = turn()
        drop_downloads()
        st.success(text("forget.done"), icon=":material/delete_forever:")


def _case(
    now: Callable[[], float],
    site: Site,
    status: ChildStatus,
    held: ChildStudy,
    file: UploadedFile,
    kind: Kind,
) -> None:
    """Everything about one picture, from what arrived to its deletion."""
    try:
        with st.spinner(text("classify.looking")):
            answered = _answered(site, held, file)
    except ApiError as error:
        problem(error)
        deleting(file.file_id)
        return
    prediction = Prediction.model_validate_json(answered.prediction)
    arrived(prediction)
    section("classify.result")
    answer(prediction, answered.picture)
    _layers(prediction, held)
    look = own_look(kind, file.file_id)
    own = opinion(prediction, held, file.file_id)
    keep(site, status, held, file, own)
    case = Case(
        at=now(),
        site=site.name,
        held=held,
        kind=kind,
        prediction=prediction,
        picture=answered.picture,
        removed=removed_words(prediction),
        look=look,
        opinion=own,
    )
    report(case, file.file_id)
    deleting(file.file_id)


def _answered(site: Site, held: ChildStudy, file: UploadedFile) -> Answered:
    """The answer; asked again only for another picture, another model or another layer."""
    layer = st.session_state.get(_layer_key(held))
    question = (site.name, file.file_id, held.weights)
    kept = st.session_state.get(ANSWERED)
    if kept and kept.question == question and layer in (None, kept.layer):
        return Answered(question, kept.layer, kept.prediction, kept.picture)
    data = file.getvalue()
    prediction = site.child.predict(held.study.id, (SENT_AS, data), layer)
    told_of = prediction.explanation
    answered = Answered(
        question,
        told_of.layer if told_of else None,
        prediction.model_dump_json(),
        _picture(data),
    )
    st.session_state[ANSWERED] = answered
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
