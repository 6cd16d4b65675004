"""When a site trains, and with how much of its computer."""

from __future__ import annotations

from datetime import time

import streamlit as st

from federated.views import Hours, Limits, Participation
from webapp.desk import Site
from webapp.layout import section
from webapp.texts import text

NIGHT = Hours(opens="20:00", closes="06:00")
"""What is offered to a site that has chosen no hours."""
MOST_THREADS = 256


def limits(site: Site, known: Participation) -> None:
    """The hours and the threads, with Save."""
    section("taking_part.limits")
    st.markdown(_standing(known))
    kept = known.limits
    hours = kept.hours or NIGHT
    # Named after what holds now, so that a change from elsewhere shows.
    mark = f"{site.name}-{kept.hours is not None}-{hours.opens}-{hours.closes}-{kept.threads}"
    with st.form(f"limits-{site.name}"):
        only = st.checkbox(
            text("taking_part.hours"), value=kept.hours is not None, key=f"hours-{mark}"
        )
        with st.grid(min_column_width=128, gap="small"):
            opens = _time("opens", hours.opens, mark)
            closes = _time("closes", hours.closes, mark)
        threads = st.number_input(
            text("taking_part.threads"),
            min_value=0,
            max_value=MOST_THREADS,
            value=kept.threads or 0,
            help=text("taking_part.threads_help"),
            key=f"threads-{mark}",
            width=320,
        )
        if st.form_submit_button(text("taking_part.save"), key=f"save-{site.name}"):
            _save(site, only, opens, closes, int(threads))


def _standing(known: Participation) -> str:
    hours = known.limits.hours
    if hours is None:
        return text("taking_part.always")
    key = "open_now" if known.open else "closed_now"
    return text(f"taking_part.{key}", opens=hours.opens, closes=hours.closes)


def _time(name: str, value: str, mark: str) -> str:
    label = text(f"taking_part.{name}")
    chosen = st.time_input(label, value=time.fromisoformat(value), key=f"{name}-{mark}")
    return chosen.strftime("%H:%M") if isinstance(chosen, time) else value


def _save(site: Site, only: bool, opens: str, closes: str, threads: int) -> None:
    if only and opens == closes:
        st.error(text("taking_part.same_hours"), icon=":material/error:")
        return
    hours = Hours(opens=opens, closes=closes) if only else None
    site.child.limit(Limits(hours=hours, threads=threads or None))
    st.rerun()
