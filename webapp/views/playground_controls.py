"""The playground's controls. What they are set to lives in the page's address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from webapp.lesson.address import lesson_of, parameter, query_of
from webapp.lesson.presets import PRESETS
from webapp.lesson.settings import HOSTILE, STRATEGIES, TASKS, Lesson, has_server_lr
from webapp.texts import text
from webapp.words import figure, percent, small

ALPHAS = (0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 3.0, 10.0, 100.0)
RATES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0)
NOISES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
HELD = "round-held"
"""Under which a session keeps the round that it has come to."""

OURS = (*Lesson.model_fields, "two", "round", "guess", "preset")


def preset() -> str | None:
    """The scenario that was chosen last, if the address names one."""
    wanted = st.query_params.get("preset")
    return wanted if wanted in PRESETS else None


def choose_preset() -> None:
    """Buttons of the scenarios."""
    st.session_state["choice-preset"] = preset()
    st.pills(
        text("playground.presets"),
        list(PRESETS),
        format_func=lambda name: text(f"playground.preset_{name}"),
        key="choice-preset",
        on_change=_take_preset,
    )


def look_for() -> None:
    """What to look for in the scenario that was chosen."""
    chosen = preset()
    if chosen:
        st.info(text(f"playground.look_{chosen}"), icon=":material/visibility:")


def _take_preset() -> None:
    name = st.session_state["choice-preset"]
    if name not in PRESETS:
        return
    chosen = PRESETS[name]
    clear()
    st.query_params.update({"preset": name, **query_of(chosen.lesson)})
    if chosen.beside:
        st.query_params.update({"two": "1", **query_of(chosen.beside, "b")})


def clear() -> None:
    """Takes all of a lesson out of the address, and stops it."""
    for name in list(st.query_params):
        if name.removeprefix("b_") in OURS:
            del st.query_params[name]
    st.session_state["playing"] = False
    st.session_state.pop(HELD, None)


def federations() -> dict[str, Lesson]:
    """The one or two federations of the address, by side."""
    query = st.query_params.to_dict()
    two = query.get("two") == "1"
    return {side: lesson_of(query, side) for side in (("a", "b") if two else ("a",))}


def controls() -> dict[str, Lesson]:
    """Draws the controls.

    Returns:
        The federations that they make, by side.
    """
    shown = federations()
    with st.container(border=True), st.grid(min_column_width=220):
        _shared(shown["a"])
    for column, (side, lesson) in zip(st.columns(len(shown)), shown.items(), strict=True):
        with column, st.container(border=True):
            if len(shown) > 1:
                st.subheader(text(f"playground.side_{side}"), anchor=False)
            _of_side(side, lesson, 200 if len(shown) == 1 else 180)
    return federations()


def _shared(lesson: Lesson) -> None:
    _select("task", text("playground.task"), TASKS, lesson.task, _named("task"))
    _number("seed", text("playground.seed"), lesson.seed)
    two = st.query_params.get("two") == "1"
    st.session_state["choice-two"] = two
    st.toggle(text("playground.two"), key="choice-two", on_change=_toggled, args=("two",))
    predict = st.query_params.get("predict") == "1"
    st.session_state["choice-predict"] = predict
    st.toggle(
        text("playground.predict"),
        key="choice-predict",
        help=text("playground.predict_help"),
        on_change=_toggled,
        args=("predict",),
    )


def _toggled(name: str) -> None:
    if st.session_state[f"choice-{name}"]:
        st.query_params[name] = "1"
    elif name in st.query_params:
        del st.query_params[name]
    if name == "two" and name in st.query_params:
        # The second begins as the first is, so that one change can be seen by itself.
        first = lesson_of(st.query_params.to_dict())
        st.query_params.update(query_of(first, "b"))


def _of_side(side: str, lesson: Lesson, width: int) -> None:
    def name(setting: str) -> str:
        return parameter(setting, side)

    with st.grid(min_column_width=width):
        _slide(name("sites"), text("playground.sites"), range(2, 13), lesson.sites, str)
        _slide(name("alpha"), text("playground.alpha"), ALPHAS, lesson.alpha, small)
        shares = [share / 10 for share in range(1, 11)]
        _slide(name("fraction"), text("playground.fraction"), shares, lesson.fraction, _percent)
        away = [share / 10 for share in range(10)]
        _slide(name("dropout"), text("playground.dropout"), away, lesson.dropout, _percent)
        _slide(name("epochs"), text("playground.epochs"), range(1, 11), lesson.epochs, str)
        _slide(name("noise"), text("playground.noise"), NOISES, lesson.noise, _noise)
        _select(
            name("strategy"),
            text("playground.strategy"),
            STRATEGIES,
            lesson.strategy,
            _named("strategy"),
        )
        if has_server_lr(lesson.strategy):
            label = text("playground.server_lr")
            _slide(name("server_lr"), label, RATES, lesson.server_lr, _rate)
        _select(
            name("hostile"), text("playground.hostile"), HOSTILE, lesson.hostile, _named("hostile")
        )


def _percent(share: float) -> str:
    return percent(share, 0)


def _noise(deviation: float) -> str:
    return figure(deviation, 2)


def _rate(rate: float) -> str:
    return small(rate) if rate else text("playground.own_rate")


def _named(setting: str) -> Callable[[str], str]:
    return lambda value: text(f"playground.{setting}_{value}")


def _slide(
    name: str,
    label: str,
    options: Sequence[Any],
    value: Any,
    written: Callable[[Any], str],
) -> None:
    key = f"choice-{name}"
    st.session_state[key] = min(options, key=lambda option: abs(option - value))
    help_ = text(f"playground.help_{name.removeprefix('b_')}")
    st.select_slider(
        label,
        options,
        format_func=written,
        key=key,
        help=help_,
        on_change=_kept,
        args=(name,),
    )


def _select(
    name: str, label: str, options: Sequence[str], value: str, written: Callable[[str], str]
) -> None:
    key = f"choice-{name}"
    st.session_state[key] = value
    st.selectbox(label, options, format_func=written, key=key, on_change=_kept, args=(name,))


def _number(name: str, label: str, value: int) -> None:
    key = f"choice-{name}"
    st.session_state[key] = value
    st.number_input(label, 0, 9999, key=key, step=1, on_change=_kept, args=(name,))


def _kept(name: str) -> None:
    st.query_params[name] = str(st.session_state[f"choice-{name}"])
