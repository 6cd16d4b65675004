"""Runs of a study beside one another: in what they differ, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from federated.views import ComparedRun, Comparison
from webapp.charts import measure_by_run
from webapp.compared_words import names_of, setting_name, setting_value
from webapp.desk import Desk
from webapp.layout import choose, empty, opening, show, table, tell_of_change
from webapp.studies import choose_study
from webapp.texts import text
from webapp.words import day, figure, marked, percent, plain, short, size, span

FEW = 4
"""Runs that are shown first; a person adds others."""

MEASURES = ("auc", "accuracy", "balanced_accuracy", "loss")


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("compare")
    study = choose_study(desk)
    name = study.study.id if study else ""
    all_runs = desk.operator.comparison(name).runs if study else []
    if len(all_runs) < 2:
        empty("compare.none", desk, "train")
        return
    tell_of_change(lambda: _state(desk.operator.comparison(name)))
    chosen = _choose_runs(all_runs)
    if len(chosen) < 2:
        st.info(text("compare.two"), icon=":material/compare_arrows:")
        return
    comparison = desk.operator.comparison(name, chosen)
    names = names_of(comparison.runs, comparison.settings)
    table(_rows(comparison, names), text("compare.table"))
    st.caption(text("compare.best" if comparison.audited else "compare.unmarked"))
    _course(comparison, names)


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


def _rows(comparison: Comparison, names: Mapping[str, str]) -> list[dict[str, str]]:
    """A row for each setting that differs and each figure, a column for each run.

    A model's figures on the audit pictures, which choose, stand above those on the test pictures.
    """
    runs = comparison.runs

    def row(title: str, cells: Sequence[str]) -> dict[str, str]:
        titled = dict(zip((names[run.id] for run in runs), cells, strict=True))
        return {text("compare.what"): title, **titled}

    rows = [
        row(text("compare.state"), [marked(run.state) for run in runs]),
        row(text("compare.rounds"), [f"{run.rounds} / {run.planned}" for run in runs]),
    ]
    rows += [
        row(setting_name(path), [setting_value(run.differs.get(path)) for run in runs])
        for path in comparison.settings
    ]
    measures = [column for column in comparison.columns if column in MEASURES]
    for column in measures if comparison.audited else ():
        cells = [_starred(run, column, _measure(run.audit, column)) for run in runs]
        rows.append(row(text("compare.on_audit", figure=text(f"figure.{column}")), cells))
    for column in measures:
        cells = [_measure(run.figures, column) for run in runs]
        rows.append(row(text("compare.on_test", figure=text(f"figure.{column}")), cells))
    for column in ("seconds", "bytes_per_round"):
        cells = [_starred(run, column, _cost(run, column)) for run in runs]
        rows.append(row(text(f"compare.{column}"), cells))
    return rows


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
    st.header(text("compare.course"), anchor=False)
    measure = choose(
        "measure", text("compare.measure"), MEASURES, lambda name: text(f"figure.{name}")
    )
    show(measure_by_run(comparison.runs, names, measure), "measure-by-run")
    told = {names[run.id]: run.publish for run in comparison.runs}
    published = [plain(name) for name, publish in told.items() if publish]
    if published:
        st.caption(text("compare.published", runs=", ".join(published)))
