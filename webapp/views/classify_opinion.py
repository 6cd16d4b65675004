"""Whether the clinician agrees, and whether the site may learn from the picture."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from federated.views import ChildStatus, ChildStudy, Prediction, UploadView
from webapp.answer_words import first
from webapp.api import ApiError
from webapp.case.values import Agreement, Opinion
from webapp.desk import Site
from webapp.layout import problem, section
from webapp.retold import retold
from webapp.texts import text
from webapp.words import plain, told

AGREEMENTS: tuple[Agreement, ...] = ("agree", "disagree", "open")
SENT_AS = "picture"
"""Instead of the file's name, which may be the patient's."""


def opinion(prediction: Prediction, held: ChildStudy, file_id: str) -> Opinion:
    """Draws the question; the clinician's own class is never filled in for them."""
    section("opinion.title")
    name, _ = first(prediction)
    agreement: Agreement | None = st.segmented_control(
        told("opinion.question", name=name),
        AGREEMENTS,
        format_func=lambda one: text(f"opinion.{one}"),
        key=f"agreement-{file_id}",
    )
    if agreement == "agree":
        return Opinion("agree", name)
    if agreement != "disagree":
        return Opinion(agreement)
    others = [one for one in held.study.classes if one != name]
    label = st.selectbox(
        text("opinion.label"), others, index=None, format_func=plain, key=f"own-class-{file_id}"
    )
    return Opinion("disagree", label)


def keep(
    site: Site, status: ChildStatus, held: ChildStudy, file: UploadedFile, own: Opinion
) -> None:
    """Offers to add the picture to the site's own, under the clinician's class."""
    if own.label is None:
        return
    with st.container(border=True):
        st.subheader(text("opinion.keep_title"), anchor=False)
        key = f"kept-{file.file_id}"
        if key in st.session_state:
            _kept(site, st.session_state[key], own.label)
            return
        st.markdown(told("opinion.keep_lead", name=own.label, storage=retold(status.storage)))
        agreed = st.checkbox(text("opinion.keep_consent"), key=f"keep-consent-{file.file_id}")
        label = told("opinion.keep", site=site.name)
        if st.button(label, disabled=not agreed, icon=":material/add_photo_alternate:"):
            _keep(site, held, file, own.label, key)


def _keep(site: Site, held: ChildStudy, file: UploadedFile, label: str, key: str) -> None:
    try:
        verdict = site.child.upload(held.study.id, [(SENT_AS, file.getvalue())], label)[0]
    except ApiError as error:
        problem(error)
        return
    if verdict.status == "refused":
        st.error(told("opinion.not_kept", reason=retold(verdict.detail)), icon=":material/error:")
        return
    st.session_state[key] = verdict.model_dump_json()
    st.rerun()


def _kept(site: Site, document: str, label: str) -> None:
    verdict = UploadView.model_validate_json(document)
    given = (verdict.picture.label if verdict.picture else None) or label
    key = "opinion.kept" if verdict.status == "stored" else "opinion.kept_before"
    st.success(told(key, site=site.name, name=given), icon=":material/check_circle:")
