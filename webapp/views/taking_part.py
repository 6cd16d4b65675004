"""Whether and how a site takes part, what came of it, and exactly what has left it."""

from __future__ import annotations

import streamlit as st

from federated.views import Participation
from webapp.charts import site_rounds_chart
from webapp.departures import bytes_by_kind, departure_rows
from webapp.desk import Desk, Site
from webapp.layout import (
    badge,
    choose_site,
    figures,
    opening,
    section,
    show,
    tell_of_change,
)
from webapp.retold import retold
from webapp.texts import text
from webapp.views.taking_part_limits import limits
from webapp.views.taking_part_plans import plans
from webapp.words import credit, plain, size

PAGE_SIZE = 100


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("taking_part")
    site = choose_site(desk)
    number, routine = int(st.session_state.get(_page_key(site), 1)), _with_routine()
    known = site.child.participation(
        offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE + 1, routine=routine
    )
    _standing(site, known)
    plans(site, known)
    limits(site, known)
    _came_of_it(known)
    section("taking_part.left")
    st.markdown(plain(retold(known.sharing)))
    _left(site, known, number)
    # Who is asked about a plan waits for it here.
    tell_of_change(lambda: _asked(site))


def _asked(site: Site) -> tuple[object, ...]:
    """What makes the page worth drawing anew."""
    known = site.child.participation(limit=1)
    return (known.paused, [(plan.sha256, plan.decision) for plan in known.plans])


def _standing(site: Site, known: Participation) -> None:
    """Takes part or pauses, with the one button that changes it."""
    with st.container(border=True):
        badge("paused" if known.paused else "active")
        key = "paused" if known.paused else "takes_part"
        st.markdown(text(f"taking_part.{key}"))
        action = "join" if known.paused else "pause"
        if st.button(text(f"taking_part.{action}"), key=f"participation-{site.name}"):
            site.child.pause(not known.paused)
            st.rerun()


def _came_of_it(known: Participation) -> None:
    """The site's credits, and how models did on its own pictures in its latest run."""
    section("taking_part.came")
    if known.credits is not None:
        figures({text("taking_part.credits"): credit(known.credits)})
    if not known.rounds:
        st.markdown(text("taking_part.no_round"))
        return
    run = known.rounds[-1].run
    show(site_rounds_chart([one for one in known.rounds if one.run == run]), "site-rounds")
    st.caption(text("taking_part.figures_stay"))


def _left(site: Site, known: Participation, number: int) -> None:
    """A page of departures, newest first; those of every few seconds where they are asked for."""
    st.session_state["routine"] = _with_routine()
    st.toggle(
        text("taking_part.routine"),
        key="routine",
        help=text("taking_part.routine_help"),
        on_change=_ask_routine,
        args=(site,),
    )
    shown, more = known.departures[:PAGE_SIZE], len(known.departures) > PAGE_SIZE
    if not shown and number == 1:
        st.markdown(text("taking_part.nothing"))
        return
    figures({text(f"left.{kind}"): size(sum_) for kind, sum_ in bytes_by_kind(shown).items()})
    st.caption(text("taking_part.sums"))
    rows = departure_rows(shown)
    st.dataframe(rows, hide_index=True, alt=text("taking_part.alt"), key=f"left-{site.name}")
    st.download_button(
        text("taking_part.take"),
        rows.to_csv(index=False),
        file_name="commonsight-departures.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"take-left-{site.name}",
    )
    if more or number > 1:
        st.pagination(number + more, key=_page_key(site))


def _with_routine() -> bool:
    """Whether the address asks for what leaves every few seconds too."""
    return st.query_params.get("routine") == "1"


def _ask_routine(site: Site) -> None:
    st.session_state.pop(_page_key(site), None)
    if st.session_state["routine"]:
        st.query_params["routine"] = "1"
    else:
        st.query_params.pop("routine", None)


def _page_key(site: Site) -> str:
    return f"left-page-{site.name}"
