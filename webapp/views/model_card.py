"""The model card: what a model is for, what it learnt from, how well it does, and its limits.

After Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, arXiv:1810.03993.
"""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from webapp.api import ApiError
from webapp.card_document import as_markdown
from webapp.card_facts import CardFacts, at_a_site, at_the_master
from webapp.card_sections import Section, sections
from webapp.charts import reliability_chart
from webapp.desk import Desk
from webapp.layout import choose, choose_site, empty, opening, show, table
from webapp.studies import choose_child_study, choose_study
from webapp.texts import text
from webapp.words import plain, short, told

LINE = 720
"""Pixels: the measure of a line, as everywhere."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("model_card")
    facts = _of_site(desk) if _at_a_site(desk) else _of_master(desk)
    if facts is None:
        empty("model_card.none", desk)
        return
    _head(facts)
    _take_away(desk, facts)
    for section in sections(facts):
        _section(section, facts)


def _at_a_site(desk: Desk) -> bool:
    """Whether to show what a site knows; asks only where there is a choice (the demo)."""
    if desk.master is None or not desk.sites:
        return desk.master is None
    label, seen = text("model_card.seen"), ["site", "master"]
    return choose("seen", label, seen, lambda name: text(f"model_card.seen_{name}")) == "site"


def _of_site(desk: Desk) -> CardFacts | None:
    site = choose_site(desk)
    status = site.child.status()
    held = choose_child_study(status)
    if held is None:
        return None
    return at_a_site(status, held, site.child.card(held.study.id))


def _of_master(desk: Desk) -> CardFacts | None:
    study = choose_study(desk)
    if study is None or study.current is None:
        return None
    run, number = study.current.run, study.current.round
    test, made, plan = None, None, study.plan
    if run:
        plan = desk.operator.run(run).plan
        # The figures may be gone, or not there yet; the card says so, and shows the rest.
        with suppress(ApiError):
            test = desk.operator.evaluation(run, number).test
            made = desk.operator.closed_round(run, number).closed_at
    return at_the_master(study, desk.operator.nodes(), plan, made, test)


def _head(facts: CardFacts) -> None:
    st.markdown(
        told(
            "model_card.head",
            study=facts.study.name,
            model=facts.model,
            round=facts.round,
            weights=short(facts.weights),
        )
    )
    if facts.round == 0:
        st.warning(text("model_card.untrained"), icon=":material/warning:")


def _take_away(desk: Desk, facts: CardFacts) -> None:
    st.download_button(
        text("model_card.take"),
        as_markdown(facts, desk.now()).encode(),
        file_name=f"model-card-{facts.study.id}-{short(facts.weights)}.md",
        mime="text/markdown",
        on_click="ignore",
        icon=":material/download:",
        key="take-card",
    )
    if not facts.local and len(facts.holders) > 0:
        st.caption(text("model_card.names"))


def _section(section: Section, facts: CardFacts) -> None:
    st.header(plain(section.title), anchor=False)
    for sentence in section.before:
        st.markdown(plain(sentence), width=LINE)
    if section.points:
        st.markdown("\n".join(f"- {plain(point)}" for point in section.points), width=LINE)
    chart = _chart(section, facts)
    if chart is None and section.rows:
        table(section.rows, section.title)
    for sentence in section.after:
        st.markdown(plain(sentence), width=LINE)


def _chart(section: Section, facts: CardFacts) -> object:
    """Draws reliability as a curve, whose numbers are a table of its own; says whether it did."""
    if section.name != "calibration" or facts.test is None:
        return None
    counted = sum(entry.count for entry in facts.test.reliability)
    drawn = facts.test.model_copy(update={"num_examples": max(counted, 1)})
    chart = reliability_chart(drawn, rounded=True)
    if chart is not None:
        show(chart, "card-reliability")
    return chart
