"""Pictures of the site's own disk: a dry run first, then the import, each followed as it runs."""

from __future__ import annotations

import streamlit as st

from federated.views import ChildStudy
from federated.views.imports import ImportSources, ImportView, LabelsFrom
from webapp.api import ApiError
from webapp.desk import Site
from webapp.layout import live, problem, table, tell_of_change
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    commas,
    size,
    told,
    whole,
)

LABELS: tuple[LabelsFrom, ...] = ("auto", "class-folders", "file-names", "table", "arrays")


def importing(site: Site, held: ChildStudy) -> None:
    """The import's part of the page; closed until it is wanted."""
    latest = next((one for one in site.child.imports() if one.study == held.study.id), None)
    title = text("imports.title")
    with st.expander(title, icon=":material/drive_folder_upload:", expanded=latest is not None):
        found = site.child.import_sources()
        if not found.configured:
            st.markdown(text("imports.not_configured"))
            return
        if latest is not None and latest.state == "running":
            _running(site, latest)
            return
        _choosing(site, held, found, latest.source if latest else None)
        if latest is not None:
            _result(latest)
            _take(site, held, latest)


def _choosing(site: Site, held: ChildStudy, found: ImportSources, last: str | None) -> None:
    """What to look at, at first what was looked at last; nothing is stored by looking."""
    st.markdown(text("imports.lead"))
    if not found.sources:
        st.info(text("imports.nothing_there"), icon=":material/folder_off:")
        return
    sizes = {one.name: one.size for one in found.sources}
    with st.form(f"import-{site.name}", border=False):
        source = st.selectbox(
            text("imports.source"),
            list(sizes),
            index=list(sizes).index(last) if last in sizes else 0,
            format_func=lambda name: _source_name(name, sizes[name]),
        )
        labels = st.selectbox(
            text("imports.labels_from"),
            LABELS,
            format_func=lambda kind: text(f"imports.from_{kind.replace('-', '_')}"),
        )
        pressed = st.form_submit_button(text("imports.look"), icon=":material/search:")
    if found.more:
        st.caption(text("imports.more"))
    if pressed:
        _start(site, held, source, labels, dry_run=True)


def _source_name(name: str, nbytes: int | None) -> str:
    return name if nbytes is None else text("imports.sized", name=name, size=size(nbytes))


def _start(site: Site, held: ChildStudy, source: str, labels: LabelsFrom, *, dry_run: bool) -> None:
    try:
        site.child.start_import(held.study.id, source, dry_run=dry_run, labels_from=labels)
    except ApiError as error:
        problem(error)
    else:
        st.rerun()


def _running(site: Site, view: ImportView) -> None:
    live(_progress, active=True)(site, view.id)
    if st.button(text("imports.stop"), icon=":material/stop_circle:", key="stop-import"):
        site.child.stop_import(view.id)
        st.rerun()
    tell_of_change(lambda: _state(site, view.id))


def _of(site: Site, number: str) -> ImportView | None:
    return next((one for one in site.child.imports() if one.id == number), None)


def _state(site: Site, number: str) -> str | None:
    view = _of(site, number)
    return view.state if view else None


def _progress(site: Site, number: str) -> None:
    """How far an import is, and what it has found until now."""
    view = _of(site, number)
    if view is None:
        return
    sentence = "imports.looking" if view.dry_run else "imports.taking"
    done = told(sentence, source=view.source, count=view.looked)
    if view.files:
        st.progress(min(view.looked / view.files, 1.0), text=done)
    else:
        st.markdown(done)
    _numbers(view)


def _result(view: ImportView) -> None:
    """How the latest dry run or import ended."""
    source = view.source
    if view.state == "failed":
        reason = retold(view.detail or "")
        st.error(told("imports.failed", source=source, reason=reason), icon=":material/error:")
    elif view.state == "stopped":
        st.warning(told("imports.stopped", source=source), icon=":material/stop_circle:")
    elif view.dry_run:
        st.info(
            told("imports.would", source=source, layout=retold(view.layout or "")),
            icon=":material/search:",
        )
    else:
        st.success(told("imports.taken", source=source), icon=":material/check_circle:")
    if view.looked:
        _numbers(view)


def _numbers(view: ImportView) -> None:
    rows = [*view.counts.items()]
    rows += [(text("pictures.unlabelled"), view.unlabelled)] if view.unlabelled else []
    rows += [
        (text("imports.already"), view.duplicates),
        (text("imports.refused"), view.refused),
    ]
    new = text("imports.new" if view.dry_run else "imports.stored")
    kinds = [new] * (len(rows) - 2) + [text("imports.not_new")] * 2
    table(
        [
            {
                text("imports.what"): kind,
                text("pictures.label"): name,
                text("imports.pictures"): whole(count),
            }
            for kind, (name, count) in zip(kinds, rows, strict=True)
        ],
        text("imports.table_alt", source=view.source),
    )
    if view.refusals:
        with st.container(height=320 if len(view.refusals) > 5 else "content", border=False):
            table(
                [
                    {
                        text("pictures.reason"): retold(one.reason),
                        text("imports.files"): whole(one.count),
                        text("imports.examples"): commas(one.examples),
                    }
                    for one in view.refusals
                ],
                text("imports.refusals_alt", source=view.source),
            )


def _take(site: Site, held: ChildStudy, view: ImportView) -> None:
    """The button that stores what the dry run has found."""
    new = sum(view.counts.values()) + view.unlabelled
    if not view.dry_run or view.state != "done":
        return
    if not new:
        st.markdown(text("imports.nothing_new"))
        return
    label = told("imports.take", count=new, source=view.source)
    if st.button(label, type="primary", icon=":material/download:", key=f"take-{view.id}"):
        _start(site, held, view.source, view.labels_from, dry_run=False)
