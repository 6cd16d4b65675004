"""The master itself: health, worker, disk, versions, settings in force, log."""

from __future__ import annotations

import streamlit as st

from federated.views import SystemView
from webapp.desk import Desk
from webapp.layout import badge, figures, live, opening, section, table
from webapp.texts import text
from webapp.words import NOTHING, percent, plain, size, span, whole

LITTLE_ROOM = 0.1
"""Share of the disk below which it is nearly full."""

LINES = 60
"""Lines of the log that are shown."""


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("system")
    live(_health, active=True)(desk)
    shown = desk.operator.system()
    section("system.disk")
    _disk(shown)
    section("system.versions")
    parts = shown.versions | {text("system.database"): shown.database}
    rows = [{text("system.part"): n, text("system.version"): v} for n, v in parts.items()]
    table(rows, text("system.versions"))
    section("system.settings")
    st.markdown(text("system.settings_what"))
    with st.expander(text("system.settings_all", count=len(shown.settings))):
        settings = [
            {text("system.setting"): f"--{name}", text("system.value"): value}
            for name, value in shown.settings.items()
        ]
        table(settings, text("system.settings"))
    section("system.log")
    live(_log, active=True)(desk)
    section("system.metrics")
    st.markdown(text("system.metrics_what"))
    st.code(f"{desk.operator.connection.url}/metrics", language=None)


def _health(desk: Desk) -> None:
    shown = desk.operator.system()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(text("system.master"), width="content")
        badge("online")
        st.markdown(text("system.worker"), width="content")
        badge("online" if shown.worker.alive else "away")
    if not shown.worker.alive:
        st.warning(text("system.worker_away"), icon=":material/cloud_off:")
    nodes, runs = shown.states.get("nodes", {}), shown.states.get("runs", {})
    figures(
        {
            text("system.up"): span(shown.now - shown.started_at),
            text("system.sites"): whole(sum(nodes.values())),
            text("system.waiting"): whole(shown.waiting_polls),
            text("system.runs"): whole(sum(runs.values())),
            text("system.rounds"): whole(sum(shown.states.get("rounds", {}).values())),
            text("system.tasks"): whole(sum(shown.states.get("tasks", {}).values())),
        }
    )


def _disk(shown: SystemView) -> None:
    disk = shown.disk
    free = disk.free / disk.total if disk.total else 0.0
    if free < LITTLE_ROOM:
        told = text("system.little_room", share=percent(free, 0))
        st.warning(told, icon=":material/hard_drive:")
    figures(
        {
            text("system.free"): size(disk.free),
            text("system.all"): size(disk.total),
            text("system.blobs"): size(disk.blobs),
            text("system.blob_count"): whole(disk.blob_count),
            text("system.database_size"): NOTHING if disk.database is None else size(disk.database),
        }
    )
    where = shown.remote_blobs
    st.caption(text("system.tidy"))
    if where:
        st.caption(plain(text("system.remote", where=where)))


def _log(desk: Desk) -> None:
    lines = desk.operator.system().log[-LINES:]
    if not lines:
        st.markdown(text("system.no_line"))
        return
    st.code("\n".join(lines), language=None, height=320)
    st.caption(text("system.log_what"))
