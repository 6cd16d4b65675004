"""The state of the federation at a glance, and the next thing to do."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from federated.states import RoundState, RunState
from federated.views import NodeView, RoundView, RunView, StudyView
from webapp.api import ApiError
from webapp.charts import counts_by_site, round_timeline
from webapp.desk import Desk
from webapp.feed_lines import averaged, feed_lines
from webapp.layout import empty, figures, live, opening, section, show, tell_of_change
from webapp.next_step import labelled, live_run, live_runs, next_step, waits
from webapp.progress import training_panels
from webapp.studies import choose_study, other_studies
from webapp.texts import text
from webapp.words import (
    NOTHING,
    ago,
    clock,
    commas,
    figure,
    percent,
    plain,
    told,
    whole,
)

FEED_LENGTH = 12
"""Lines of the feed."""

EVENTS = 200
"""Events that those lines are made of."""

TIMELINE_SECONDS = 15.0
"""How often the timeline grows where nothing has happened: each time it is drawn as a new chart."""

TOLD_ROUNDS = 3
"""Closed rounds whose outcome is told."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("overview")
    study = choose_study(desk)
    _step(desk, study)
    if study is None:
        empty("overview.no_study", desk)
        return
    live(_figures, active=True)(desk, study.study.id)
    training_panels(desk, study.study.id)
    live(_timeline, active=True)(desk, study.study.id)
    other_studies(desk, study)
    section("overview.pictures")
    live(_pictures, active=True)(desk, study)
    section("overview.feed")
    live(_feed, active=True)(desk)
    tell_of_change(lambda: _state(desk, study.study.id))


def _state(desk: Desk, study: str) -> tuple[object, ...]:
    """What makes the page worth drawing anew."""
    facts = _facts(desk, study)
    return (next_step(*facts), [run.id for run in live_runs(facts[2])])


def _facts(desk: Desk, study: str) -> tuple[StudyView | None, list[NodeView], list[RunView]]:
    """The study, the sites and the study's runs, as they are now."""
    views = [view for view in desk.operator.studies() if view.study.id == study]
    runs = [run for run in desk.operator.runs() if run.study == study]
    return next(iter(views), None), desk.operator.nodes(), runs


def _step(desk: Desk, study: StudyView | None) -> None:
    step = next_step(*(_facts(desk, study.study.id) if study else (None, [], [])))
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width="stretch"):
            live(_sentence, active=True)(desk, study.study.id if study else None)
        if step.page and step.page in desk.pages:
            label = text(f"next.{step.page}")
            if st.button(label, type="primary", key="next", icon=":material/arrow_forward:"):
                st.switch_page(desk.pages[step.page])


def _sentence(desk: Desk, study: str | None) -> None:
    """What to do next; while a round is under way, whom it waits for, and how long."""
    facts = _facts(desk, study) if study else (None, [], [])
    step, run = next_step(*facts), live_run(facts[2])
    said = step.sentence
    if run and step.page == "train" and run.state == RunState.RUNNING and run.round:
        round_ = desk.operator.round(run.id, run.round)
        said = waits(run, round_, desk.now()) or said
    st.markdown(f"**{text('overview.next')}** {plain(said)}")


def _figures(desk: Desk, study_id: str) -> None:
    study, nodes, runs = _facts(desk, study_id)
    current = study.current if study else None
    tested = _last_test(runs)
    online = sum(node.reachable and node.state == "active" for node in nodes)
    pictures = sum(labelled(node, study) for node in nodes) if study else 0
    figures(
        {
            text("overview.model"): current.model if current else NOTHING,
            text("overview.round"): str(current.round) if current else NOTHING,
            text("overview.online"): text("overview.of", online=online, all=len(nodes)),
            text("overview.held"): whole(pictures),
            text("figure.auc"): figure(tested.get("auc")),
            text("figure.accuracy"): percent(tested.get("accuracy")),
        }
    )
    if study:
        st.caption(_study_line(study))


def _study_line(study: StudyView) -> str:
    own = {part: sum(counts.values()) for part, counts in study.pictures.items()}
    return told(
        "overview.study_line",
        name=study.study.name,
        classes=commas(study.study.classes),
        size=study.study.size,
        audit=own.get("audit", 0),
        test=own.get("test", 0),
    )


def _last_test(runs: list[RunView]) -> dict[str, float | None]:
    """The newest test figures of the study's own model: a run beside others has another."""
    return next((run.evaluation for run in runs if run.evaluation and run.plan.publish), {})


def _pictures(desk: Desk, study: StudyView) -> None:
    nodes = desk.operator.nodes()
    counts = {node.name: node.studies.get(study.study.id, {}) for node in nodes}
    if any(sum(by.values()) for by in counts.values()):
        show(counts_by_site(counts, study.study.classes), "overview-counts")
    else:
        st.markdown(text("overview.no_pictures"))


def _feed(desk: Desk) -> None:
    events = desk.operator.newest_events(EVENTS)
    if not events:
        st.markdown(text("overview.nothing_yet"))
        return
    sites = {node.id: node.name for node in desk.operator.nodes()}
    studies = _studies_of_runs(desk)
    lines = (
        f"- `{clock(line.at)}` {line.told}{studies.get(line.run or '', '')}"
        for line in feed_lines(events, sites, _outcomes(desk))[:FEED_LENGTH]
    )
    st.markdown("\n".join(lines))
    st.caption(text("overview.feed_age", ago=ago(events[0].at, desk.now())))


def _outcomes(desk: Desk) -> Callable[[str, int], str | None]:
    """What became of the newest closed rounds; of more the feed says only that they closed."""
    asked: list[tuple[str, int]] = []

    def outcome(run: str, number: int) -> str | None:
        if len(asked) >= TOLD_ROUNDS:
            return None
        asked.append((run, number))
        try:
            before = desk.operator.closed_round(run, number - 1) if number > 1 else None
            return averaged(desk.operator.closed_round(run, number), before)
        except ApiError:
            return None

    return outcome


def _timeline(desk: Desk, study_id: str) -> None:
    """The round under way of the study's own run, site by site."""
    runs = [run for run in desk.operator.runs() if run.study == study_id]
    run = live_run(runs)
    if run is None or not run.round or run.state not in (RunState.RUNNING, RunState.PAUSED):
        return
    round_ = desk.operator.round(run.id, run.round)
    if round_.state not in (RoundState.OPEN, RoundState.AGGREGATING) or not round_.tasks:
        return
    st.header(text("overview.timeline"), anchor=False)
    events = [one for one in desk.operator.newest_events(EVENTS) if one.run == run.id]
    show(round_timeline(round_, events, _told_until(round_, desk.now())), "overview-timeline")


def _told_until(round_: RoundView, now: float) -> float:
    """Until when the timeline tells: the newest change, or a little later where that is old."""
    newest = max(task.changed_at for task in round_.tasks)
    return max(newest, now // TIMELINE_SECONDS * TIMELINE_SECONDS)


def _studies_of_runs(desk: Desk) -> dict[str, str]:
    """What tells the runs of several studies apart, by run; nothing where there is one study."""
    names = {view.study.id: view.study.name for view in desk.operator.studies()}
    if len(names) < 2:
        return {}
    return {run.id: f" · {plain(names[run.study])}" for run in desk.operator.runs()}
