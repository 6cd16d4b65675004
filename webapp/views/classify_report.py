"""Taking the case along as a file, and deleting it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from webapp.case.csv_file import case_csv
from webapp.case.pdf import case_pdf
from webapp.case.values import Case
from webapp.forgetting import forget
from webapp.language import kept
from webapp.layout import section
from webapp.texts import text

LONGEST_REFERENCE = 60


def report(case: Case, file_id: str) -> None:
    """Draws the downloads; a file is made when it is asked for."""
    section("case.title")
    st.markdown(text("case.lead"))
    # The browser is not to remember the word either: it may name a patient.
    reference = st.text_input(
        text("case.reference"),
        max_chars=LONGEST_REFERENCE,
        autocomplete="off",
        help=text("case.reference_help"),
        key=f"reference-{file_id}",
    )
    told = replace(case, reference=reference or "")
    with st.container(horizontal=True):
        for name, write, kind in (
            ("pdf", case_pdf, "application/pdf"),
            ("csv", case_csv, "text/csv"),
        ):
            st.download_button(
                text(f"case.as_{name}"),
                kept(partial(write, told)),
                file_name=f"commonsight-report.{name}",
                mime=kind,
                on_click="ignore",
                icon=":material/download:",
                key=f"{name}-{file_id}",
            )


def deleting(file_id: str) -> None:
    """Draws the button that makes this session forget the picture."""
    section("forget.title")
    st.markdown(text("forget.lead"))
    st.button(
        text("forget.button"),
        icon=":material/delete_forever:",
        on_click=forget,
        args=(file_id,),
        key=f"forget-{file_id}",
    )
