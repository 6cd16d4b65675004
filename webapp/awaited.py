"""Answers that may take long: asked for in the background, so that the page stays usable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from webapp.layout import live, tell_of_change

PATIENCE_SECONDS = 1.0
"""How long a page waits for an answer before it is drawn without."""

GOOD_SECONDS = 5.0
"""How long an answer is good; then the question is asked again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of this visitor that was asked.

    Attributes:
        question: What was asked, as a name for it.
        at: When, in seconds.
        answer: The answer, once it is there.
    """

    question: str
    at: float
    answer: Future[Any]


def awaited(name: str, question: str, ask: Callable[[], T], now: float) -> T | None:
    """The answer, or None while it is still awaited; the page is drawn anew when it comes.

    Args:
        name: Of what is asked; a new question of that name replaces the one before.
        question: Tells this question from others of the name.
        ask: Asks, and returns the answer; runs in a thread of its own.
        now: The time in seconds.

    Raises:
        Exception: What `ask` raised.
    """
    key = f"asked-{name}"
    asked: Asked | None = st.session_state.get(key)
    if asked is None or asked.question != question or _old(asked, now):
        asked = st.session_state[key] = Asked(question, now, _in_background(ask))
    try:
        answer: T = asked.answer.result(PATIENCE_SECONDS)
    except TimeoutError:
        if asked.answer.done():
            raise
        tell_of_change(asked.answer.done)
        return None
    return answer


def follow(name: str, ask: Callable[[], object], now: Callable[[], float]) -> None:
    """Asks again from time to time, and draws the page anew when the answer is another one.

    Args:
        name: Of what `awaited` has got on this page.
        ask: Asks the same again.
        now: Wall clock in seconds.
    """
    live(_look_again, active=True)(f"asked-{name}", ask, now)


def _look_again(key: str, ask: Callable[[], object], now: Callable[[], float]) -> None:
    asked: Asked = st.session_state[key]
    again: Asked | None = st.session_state.get(f"{key}-again")
    if again is None or again.question != asked.question:
        if _old(asked, now()):
            newer = Asked(asked.question, now(), _in_background(ask))
            st.session_state[f"{key}-again"] = newer
    elif again.answer.done():
        st.session_state[key] = again
        del st.session_state[f"{key}-again"]
        if again.answer.exception() or again.answer.result() != asked.answer.result():
            st.rerun()


def _old(asked: Asked, now: float) -> bool:
    return asked.answer.done() and now > asked.at + GOOD_SECONDS


def _in_background(ask: Callable[[], T]) -> Future[T]:
    """Runs in a thread that nobody waits for at the end: the answer may never come."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer
