"""The last models of a run at its sites: each on each other site's validation pictures."""

from __future__ import annotations

import streamlit as st

from federated.views import CrossSiteView, RunView
from webapp.charts import cross_site_chart
from webapp.desk import Desk
from webapp.layout import choose, show, table
from webapp.retold import retold
from webapp.texts import text
from webapp.words import opened

MEASURES = ("accuracy", "balanced_accuracy", "auc", "loss")


def cross_site(desk: Desk, run: RunView) -> None:
    """Draws the section, where the run's plan asks for the matrix."""
    if not run.plan.cross_site:
        return
    view = desk.operator.cross_site(run.id)
    st.header(text("cross_site.title"), anchor=False)
    st.markdown(text("cross_site.what"))
    if view.state != "closed":
        st.info(text(f"cross_site.{view.state}"), icon=":material/hourglass_top:")
    if any(site.figures for site in view.sites):
        measure = choose(
            "across", text("cross_site.measure"), MEASURES, lambda name: text(f"figure.{name}")
        )
        chart = cross_site_chart(view, measure)
        if chart is not None:
            show(chart, "cross-site")
    _missing(view)


def _missing(view: CrossSiteView) -> None:
    """Sites without a row, and models without a column, each with the reason."""
    told = [(site.node_name, site.reason) for site in view.sites if not site.figures]
    told += [(model.name, model.reason) for model in view.models if not model.weights]
    rows = [
        {text("chart.site"): name, text("cross_site.reason"): opened(retold(reason or ""))}
        for name, reason in told
    ]
    if rows:
        table(rows, text("cross_site.missing"))
