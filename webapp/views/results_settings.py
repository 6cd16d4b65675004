"""What a run was told to do: the plan in words and as TOML, who took part, seeds and hashes."""

from __future__ import annotations

import streamlit as st

from federated.views import CourseView, RunView
from webapp.desk import Desk
from webapp.layout import section, table
from webapp.plan_document import as_toml
from webapp.plan_words import model_line, plan_line, round_line
from webapp.round_words import run_name
from webapp.texts import text
from webapp.words import NOTHING, day


def settings(desk: Desk, run: RunView, course: CourseView) -> None:
    """Draws the plan in words, as TOML, and what makes the run repeatable."""
    lines = [plan_line(run.plan), model_line(run.plan), round_line(run.plan, len(course.sites))]
    st.markdown("\n".join(f"- {line}" for line in lines))
    table(identity(run, course), text("results.identity"))
    section("results.as_toml")
    written = as_toml(run.plan, run_name(run), text("results.plan_of_run", run=run.id))
    # In one colour: those of the highlighting are too pale to be read by everybody.
    st.code(written, language=None, wrap_lines=True)
    _environment(desk, course)


def identity(run: RunView, course: CourseView) -> list[dict[str, str]]:
    """Seeds, times and hashes, each with its name."""
    last = next((one.weights_after for one in course.rounds[::-1] if one.weights_after), None)
    facts = {
        "run_id": run.id,
        "seed": str(run.plan.seed),
        "plan_sha256": run.plan_sha256,
        "weights_sha256": last or NOTHING,
        "frozen_sha256": run.frozen or "",
        "began": day(run.created_at),
        "ended": day(run.finished_at) if run.finished_at else "",
    }
    what, value = text("results.fact"), text("results.value")
    return [{what: text(f"results.{name}"), value: told} for name, told in facts.items() if told]


def _environment(desk: Desk, course: CourseView) -> None:
    """The versions that the sites run now."""
    part = {site.node for site in course.sites}
    nodes = [node for node in desk.operator.nodes() if node.id in part]
    if not nodes:
        return
    section("results.environment")
    st.caption(text("results.environment_what"))
    rows = [
        {
            text("chart.site"): node.name,
            text("results.version"): node.version,
            text("results.mode"): text(f"state.{node.mode}"),
        }
        for node in nodes
    ]
    st.dataframe(rows, hide_index=True, alt=text("results.environment"), key="environment")
