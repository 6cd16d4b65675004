"""The report of a run, put together from what the master tells of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from federated.strategies import asynchronous
from federated.views import CourseSite, CourseView, RoundView, RunView, StudyView
from webapp.api.evaluation import Report
from webapp.charts import (
    accuracy_by_round,
    loss_by_round,
    precision_recall_chart,
    reliability_chart,
    roc_chart,
    staleness_by_round,
)
from webapp.charts.participation import KINDS, kind_of
from webapp.desk import Desk
from webapp.findings import findings, from_to, with_interval
from webapp.plan_document import as_toml
from webapp.plan_words import model_line, plan_line, round_line
from webapp.retold import retold
from webapp.round_words import run_name
from webapp.run_report.document import code, document, figures, heading, paragraph, picture, table
from webapp.texts import text
from webapp.views.results_settings import identity
from webapp.words import (
    NOTHING,
    commas,
    credit,
    day,
    figure,
    marked,
    percent,
    sentences,
    short,
)

FIGURES = ("auc", "average_precision", "accuracy", "balanced_accuracy", "loss", "brier")
IN_PERCENT = ("accuracy", "balanced_accuracy")


def report_of(desk: Desk, run: RunView, course: CourseView) -> str:
    """The report as HTML.

    Args:
        desk: Where the master is asked for the rest.
        run: The run.
        course: Its course, with at least one round.
    """
    studies = {one.study.id: one for one in desk.operator.studies()}
    made = [one.number for one in course.rounds if one.weights_after]
    tested = desk.operator.evaluation(run.id, made[-1]).test if made else None
    last = desk.operator.round(run.id, made[-1] if made else course.rounds[-1].number)
    earned = {one.node: one.credits for one in desk.operator.leaderboard(run.id)}
    title = text("run_report.title", name=_name_of(run, studies.get(run.study)))
    parts = [
        paragraph(text("run_report.made", at=day(desk.now()), run=run_name(run)), "quiet"),
        paragraph(text("layout.not_a_device"), "notice"),
        *_trained(run, course, studies.get(run.study)),
        *_tested(tested, made[-1] if made else 0),
        *_course(run, course),
        *_sites(course, earned),
        *_audited(last),
        *_plan(run, course),
    ]
    return document(title, parts)


def _name_of(run: RunView, study: StudyView | None) -> str:
    return study.study.name if study else run.study


def _trained(run: RunView, course: CourseView, study: StudyView | None) -> list[str]:
    state = text(f"state.{run.state}")
    done = sum(one.weights_after is not None for one in course.rounds)
    parts = [
        heading("run_report.trained"),
        paragraph(text("run_report.state", state=state, done=done, rounds=run.plan.rounds)),
    ]
    if study:
        facts = {"classes": commas(study.study.classes), "size": study.study.size}
        parts.append(paragraph(text("run_report.study", name=study.study.name, **facts)))
    lines = [plan_line(run.plan), model_line(run.plan), round_line(run.plan, len(course.sites))]
    return parts + [paragraph(_unescaped(line)) for line in lines]


def _unescaped(line: str) -> str:
    """A line that was written as Markdown, as words."""
    return line.replace("\\", "").replace("**", "").replace("`", "")


def _tested(report: Report | None, number: int) -> list[str]:
    if report is None:
        return [heading("run_report.tested"), paragraph(text("run_report.untested"))]
    written = {
        name: percent(value) if name in IN_PERCENT else figure(value)
        for name in FIGURES
        if (value := getattr(report, name)) is not None
    }
    below = {
        text(f"figure.{name}"): from_to(report.intervals.get(name), in_percent=name in IN_PERCENT)
        for name in written
    }
    said = findings(report)
    return [
        heading("run_report.tested"),
        paragraph(text("run_report.on", round=number, count=report.num_examples)),
        figures({text(f"figure.{name}"): told for name, told in written.items()}, below),
        paragraph(text("tested.intervals", count=report.resamples), "quiet"),
        *([paragraph(sentences(*said))] if said else []),
        picture(roc_chart(report)),
        picture(precision_recall_chart(report)),
        picture(reliability_chart(report)),
        table(_confusion(report), text("tested.confusion")),
        table(_classes(report), text("tested.classes")),
    ]


def _confusion(report: Report) -> list[dict[str, object]]:
    names = [entry.name for entry in report.classes]
    rows: list[dict[str, object]] = []
    for name, counts in zip(names, report.confusion, strict=True):
        row: dict[str, object] = {text("chart.true_row"): name}
        for other, count in zip(names, counts, strict=True):
            share = percent(count / max(sum(counts), 1), 0)
            row[text("run_report.taken_for", name=other)] = f"{count} ({share})"
        rows.append(row)
    return rows


def _classes(report: Report) -> list[dict[str, object]]:
    return [
        {
            text("chart.class"): one.name,
            text("tested.support"): one.support,
            text("figure.recall"): with_interval(
                percent(one.recall, 0), one.intervals.get("recall")
            ),
            text("figure.precision"): percent(one.precision, 0),
            text("figure.auc"): with_interval(
                figure(one.auc, 2), one.intervals.get("auc"), in_percent=False
            ),
        }
        for one in report.classes
    ]


def _course(run: RunView, course: CourseView) -> list[str]:
    aged = staleness_by_round(course) if asynchronous(run.plan.strategy) else None
    charts = [accuracy_by_round(course), loss_by_round(course), aged]
    return [heading("results.course"), *map(picture, charts)]


def _sites(course: CourseView, earned: Mapping[str, float]) -> list[str]:
    rows = [_site(site, earned.get(site.node, 0.0)) for site in course.sites]
    return [heading("run_report.sites"), table(rows, text("run_report.sites_what"))]


def _site(site: CourseSite, earned: float) -> dict[str, object]:
    counts = Counter(kind_of(state) for state in site.states)
    shown = {text(f"chart.took_part_{kind}"): counts[kind] for kind in [*KINDS][:4]}
    return {text("chart.site"): site.node_name, **shown, text("rewards.credits"): credit(earned)}


def _audited(last: RoundView) -> list[str]:
    """The verdicts of the last round with their reasons."""
    rows = [
        {
            text("chart.site"): one.node_name,
            text("updates.verdict"): marked(one.status),
            text("updates.reasons"): sentences(*map(retold, one.audit.reasons))
            if one.audit
            else NOTHING,
            text("updates.hash"): short(one.sha256),
        }
        for one in last.updates
    ]
    said = text("run_report.audited_what", round=last.number)
    return [heading("run_report.audited"), table(rows, said) or paragraph(text("updates.none"))]


def _plan(run: RunView, course: CourseView) -> list[str]:
    return [
        heading("run_report.repeat"),
        table(identity(run, course), text("results.identity")),
        code(as_toml(run.plan, run_name(run), text("results.plan_of_run", run=run.id))),
    ]
