"""What happened in a run, newest first, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import streamlit as st

from federated.views import Event, RunView
from webapp.desk import Desk
from webapp.events import sentence
from webapp.layout import live
from webapp.steering import OVER
from webapp.texts import text
from webapp.words import clock, date

PARAMETER = "before"


def events(desk: Desk, run: RunView) -> None:
    """Draws a hundred events; the newest follow by themselves."""
    wanted = st.query_params.get(PARAMETER, "")
    before = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else None
    st.caption(text("results.events_what"))
    if before is None:
        live(_newest, active=run.state not in OVER)(desk, run.id)
    else:
        _list(desk, desk.operator.run_events(run.id, before))
    _pages(desk, run, before)


def _newest(desk: Desk, run_id: str) -> None:
    _list(desk, desk.operator.run_events(run_id))


def _list(desk: Desk, found: Sequence[Event]) -> None:
    names = {node.id: node.name for node in desk.operator.nodes()}
    if not found:
        st.markdown(text("results.events_none"))
        return
    for on, told in groupby(found, key=lambda one: date(one.at)):
        st.markdown(f"**{on}**")
        st.markdown("\n".join(f"- {clock(one.at)} · {sentence(one, names)}" for one in told))


def _pages(desk: Desk, run: RunView, before: int | None) -> None:
    """To older events, and back to the newest."""
    found = desk.operator.run_events(run.id, before) if before else desk.operator.run_events(run.id)
    with st.container(horizontal=True):
        if before is not None:
            _button("newest", _to_newest)
        if len(found) == 100:
            _button("older", _to_older, found[-1].id)


def _button(name: str, to: Callable[..., None], *arguments: int) -> None:
    st.button(text(f"results.events_{name}"), on_click=to, args=arguments, key=f"events-{name}")


def _to_older(before: int) -> None:
    st.query_params[PARAMETER] = str(before)


def _to_newest() -> None:
    st.query_params.pop(PARAMETER, None)
