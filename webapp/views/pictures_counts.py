"""How many pictures of each class a site has: a chart, and the counts as a file."""

from __future__ import annotations

import csv
import io

import streamlit as st

from federated.spreadsheets import guarded
from federated.views import ChildStatus, ChildStudy
from webapp.charts import counts_by_site
from webapp.desk import Site
from webapp.layout import show
from webapp.texts import text


def counts(site: Site, held: ChildStudy, status: ChildStatus) -> None:
    """What the site holds, in numbers."""
    total = sum(held.counts.values()) + held.unlabelled
    st.markdown(
        text("pictures.count", count=total, new=held.new_labelled, unlabelled=held.unlabelled)
    )
    if total:
        show(counts_by_site({site.name: held.counts}, held.study.classes), "site-counts")
        st.download_button(
            text("pictures.counts_file"),
            counts_csv(held),
            file_name="commonsight-counts.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key=f"counts-{site.name}",
        )
    if status.demo:
        st.caption(text("pictures.demo"))


def counts_csv(held: ChildStudy) -> bytes:
    """Counts by class, and nothing else of any picture: UTF-8 with a byte order mark.

    Columns are `study`, `class` (empty for pictures without a label) and `pictures`.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("study", "class", "pictures"))
    rows = [(name, held.counts.get(name, 0)) for name in held.study.classes]
    for name, number in [*rows, ("", held.unlabelled)]:
        writer.writerow([guarded(held.study.id), guarded(name), number])
    return file.getvalue().encode("utf-8-sig")
