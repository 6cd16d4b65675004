"""Which round of a run is looked at: chosen, stepped through, or the newest as it comes."""

from __future__ import annotations

import streamlit as st

from federated.states import RoundState
from federated.views import CourseRound, CourseView
from webapp.layout import choose
from webapp.texts import text

PARAMETER = "round"


def choose_round(course: CourseView) -> int:
    """The round in the address, else the newest that is closed, else the newest.

    Args:
        course: With at least one round.
    """
    newest_first = sorted(course.rounds, key=lambda r: (r.state != RoundState.CLOSED, -r.number))
    by_number = {str(round_.number): round_ for round_ in newest_first}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="round-bar"):
        with st.container(width=300):
            chosen = choose(
                PARAMETER,
                text("results.round"),
                list(by_number),
                lambda number: _name(by_number[number]),
            )
        _steps(course, int(chosen))
    return int(chosen)


def _name(round_: CourseRound) -> str:
    state = text(f"state.{round_.state}")
    return text("results.round_name", number=round_.number, state=state)


def _steps(course: CourseView, chosen: int) -> None:
    """To the round before, the one after, and back to following the newest."""
    numbers = [round_.number for round_ in course.rounds]
    place = numbers.index(chosen)
    before = numbers[place - 1] if place else None
    after = numbers[place + 1] if place + 1 < len(numbers) else None
    _step("before", "chevron_left", "Shift+Left", before)
    _step("after", "chevron_right", "Shift+Right", after)
    following = PARAMETER not in st.query_params
    st.button(
        text("results.follow"),
        icon=":material/last_page:",
        help=text("results.following" if following else "results.follow_what"),
        disabled=following,
        on_click=_follow,
        key="round-follow",
    )


def _step(name: str, icon: str, shortcut: str, to: int | None) -> None:
    st.button(
        text(f"results.round_{name}"),
        icon=f":material/{icon}:",
        shortcut=shortcut,
        help=text(f"results.round_{name}_what"),
        disabled=to is None,
        on_click=_go,
        args=(to,),
        key=f"round-{name}",
    )


def _go(number: int) -> None:
    st.query_params[PARAMETER] = str(number)


def _follow() -> None:
    st.query_params.pop(PARAMETER, None)
