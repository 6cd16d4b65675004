"""Runs of a study beside one another: in what they differ, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from federated.spreadsheets import guarded
from federated.views import ComparedRun, Comparison
from webapp.api.evaluation import Interval
from webapp.charts import measure_by_run
from webapp.compared_words import names_of, setting_name, setting_value
from webapp.desk import Desk
from webapp.findings import with_interval
from webapp.layout import choose, empty, guard, opening, section, show, table, tell_of_change
from webapp.studies import choose_study
from webapp.texts import text, texts
from webapp.views.compare_paired import paired
from webapp.words import (
    commas,
    day,
    figure,
    marked,
    percent,
    plain,
    short,
    size,
    span,
)

FEW = 4
"""Runs that are shown first; a person adds others."""

SPACE = "search.space."

MEASURES = ("auc", "accuracy", "balanced_accuracy", "loss")


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("compare")
    study = choose_study(desk)
    name = study.study.id if study else ""
    newest = desk.operator.comparison(name) if study else None
    if newest is None or len(newest.runs) < 2:
        empty("compare.none", desk, "train")
        return
    tell_of_change(lambda: _state(desk.operator.comparison(name)))
    chosen = _choose_runs(newest.runs)
    if len(chosen) < 2:
        st.info(text("compare.two"), icon=":material/compare_arrows:")
        return
    # Which of them is best, and in what they differ, goes by those that are compared.
    has_all = len(chosen) == len(newest.runs)
    comparison = newest if has_all else desk.operator.comparison(name, chosen)
    names = names_of(comparison.runs, comparison.settings)
    _course(comparison, names)
    section("compare.settings")
    differing = _settings(comparison, names)
    if differing:
        table(differing, text("compare.settings"))
    else:
        st.markdown(text("compare.same"))
    section("compare.came_out")
    came_out = _figures(desk, comparison, names)
    table(came_out, text("compare.table"))
    st.caption(text("compare.best" if comparison.audited else "compare.unmarked"))
    with guard():
        paired(desk, name, comparison.runs, names)
    _downloads(name, comparison, names, [*differing, *came_out])


def _state(comparison: Comparison) -> list[tuple[object, ...]]:
    """What makes the page worth drawing anew."""
    return [
        (run.id, run.state, run.rounds, str(run.figures), str(run.audit)) for run in comparison.runs
    ]


def _choose_runs(runs: Sequence[ComparedRun]) -> list[str]:
    """Which runs to compare; the address keeps them, so that it can be shared."""
    by_id = {run.id: run for run in runs}
    asked = [name for name in st.query_params.get("runs", "").split(",") if name in by_id]
    found: list[str] = st.multiselect(
        text("compare.runs"),
        list(by_id),
        default=asked or list(by_id)[:FEW],
        format_func=lambda name: text(
            "compare.run_name",
            at=day(by_id[name].created_at),
            model=by_id[name].model,
            id=short(name),
        ),
        key="compared",
    )
    st.query_params["runs"] = ",".join(found)
    return found


def _titled(title: str, cells: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """A row of a table that has a column for each run."""
    return {text("compare.what"): title, **dict(zip(names.values(), cells, strict=True))}


def _settings(comparison: Comparison, names: Mapping[str, str]) -> list[dict[str, str]]:
    """A row for each setting that differs; what is searched, which has many parts, is one row."""
    paths = [path for path in comparison.settings if not path.startswith(SPACE)]
    rows = [
        _titled(setting_name(path), [_setting(run, path) for run in comparison.runs], names)
        for path in paths
    ]
    if len(paths) < len(comparison.settings):
        cells = [_searched(run) for run in comparison.runs]
        rows.append(_titled(text("compare.searched"), cells, names))
    return rows


def _setting(run: ComparedRun, path: str) -> str:
    value = run.differs.get(path)
    # A plan has it in seconds; people set it in minutes.
    if path == "deadline_seconds" and isinstance(value, (int, float)):
        return span(value)
    return setting_value(value, path)


def _searched(run: ComparedRun) -> str:
    """The names of what a run searches."""
    parts = [
        path.removeprefix(SPACE).split(".")[0]
        for path, value in run.differs.items()
        if path.startswith(SPACE) and value is not None
    ]
    return commas(dict.fromkeys(map(_named, parts))) or text("compare.unset")


def _named(parameter: str) -> str:
    key = f"search.{parameter}"
    return text(key) if key in texts() else parameter


def _figures(desk: Desk, comparison: Comparison, names: Mapping[str, str]) -> list[dict[str, str]]:
    """A row for each figure.

    A model's figures on the audit pictures, which choose, stand above those on the test pictures.
    """
    runs = comparison.runs
    rows = [
        _titled(text("compare.state"), [marked(run.state) for run in runs], names),
        _titled(text("compare.rounds"), [f"{run.rounds} / {run.planned}" for run in runs], names),
    ]
    measures = [column for column in comparison.columns if column in MEASURES]
    for column in measures if comparison.audited else ():
        cells = [_starred(run, column, _measure(run.audit, column)) for run in runs]
        title = text("compare.on_audit", figure=text(f"figure.{column}"))
        rows.append(_titled(title, cells, names))
    tested = {run.id: run.evaluation or {} for run in desk.operator.runs()}
    for column in measures:
        cells = [_with_ends(run, column, tested.get(run.id, {})) for run in runs]
        title = text("compare.on_test", figure=text(f"figure.{column}"))
        rows.append(_titled(title, cells, names))
    for column in ("seconds", "bytes_per_round"):
        cells = [_starred(run, column, _cost(run, column)) for run in runs]
        rows.append(_titled(text(f"compare.{column}"), cells, names))
    return rows


def _with_ends(run: ComparedRun, column: str, tested: Mapping[str, float | None]) -> str:
    """A figure on the test pictures with its interval, where the run's last model has one."""
    value, written = run.figures.get(column), _measure(run.figures, column)
    low, high = tested.get(f"{column}_low"), tested.get(f"{column}_high")
    if value is None or low is None or high is None or tested.get(column) != value:
        return written
    return with_interval(written, Interval(low=low, high=high), in_percent=column != "auc")


def _measure(figures: Mapping[str, float | None], column: str) -> str:
    value = figures.get(column)
    return figure(value) if value is None or column in ("auc", "loss") else percent(value)


def _cost(run: ComparedRun, column: str) -> str:
    value = run.figures.get(column)
    if value is None:
        return figure(None)
    return span(value) if column == "seconds" else size(round(value))


def _starred(run: ComparedRun, column: str, shown: str) -> str:
    return f"★ {shown}" if column in run.best else shown


def _course(comparison: Comparison, names: Mapping[str, str]) -> None:
    section("compare.course")
    measure = choose(
        "measure", text("compare.measure"), MEASURES, lambda name: text(f"figure.{name}")
    )
    show(measure_by_run(comparison.runs, names, measure), "measure-by-run")
    told = {names[run.id]: run.publish for run in comparison.runs}
    published = [plain(name) for name, publish in told.items() if publish]
    if len(published) == len(told):
        st.caption(text("compare.all_published"))
    elif published:
        st.caption(text("compare.published", runs=commas(published)))


def _downloads(
    study: str, comparison: Comparison, names: Mapping[str, str], rows: Sequence[dict[str, str]]
) -> None:
    """Both tables, and every round of every run, for whoever counts on."""
    course = [
        {text("compare.run"): names[run.id], text("chart.round"): one.round, **one.figures}
        for run in comparison.runs
        for one in run.course
    ]
    with st.container(horizontal=True):
        for name, content in (("table", rows), ("course", course)):
            st.download_button(
                text(f"compare.take_{name}"),
                as_csv(content),
                file_name=f"{study}-{name}.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/table_view:",
                disabled=not content,
                key=f"take-{name}",
            )


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as CSV; nothing that a stranger wrote is a formula to a spreadsheet."""
    frame = pd.DataFrame(list(rows))
    safe: str = frame.map(guarded).rename(columns=guarded).to_csv(index=False)
    return safe
