"""A finished run once more, round by round: one filter as each site returned it, and the mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from webapp.desk import Desk
from webapp.layout import choose, figures, opening, section
from webapp.lesson.replay import AFTER, BEFORE, Replay, ReplayRound, bias_of
from webapp.replay_source import recording, replay_of
from webapp.texts import text
from webapp.views.plan_inputs import option_of
from webapp.views.replay_shown import arithmetic, kernels, seen
from webapp.words import day, percent, plain, short, told

RECORDED = "recorded"
LOOKS = ("change", "numbers")

COLOURS = ("red", "green", "blue")


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("replay")
    replay = _chosen(desk)
    if not replay.run.rounds or not replay.run.kernels:
        st.info(text("replay.nothing"), icon=":material/info:")
        return
    number, kernel, filter_, channel = _place(replay)
    now = replay.round(number)
    _headline(replay, now)
    models = {who: replay.read(number, who, kernel) for who in _who(now)}
    parts = {who: array[..., filter_] for who, array in models.items() if array is not None}
    if BEFORE not in parts:
        st.warning(text("replay.gone"), icon=":material/delete_sweep:")
        return
    section("replay.kernels")
    st.markdown(text("replay.kernels_lead", filter=filter_ + 1))
    numbers = {who: part[..., channel] for who, part in parts.items()}
    look = choose("look", text("replay.look"), LOOKS, lambda name: text(f"replay.look_{name}"))
    kernels(now, changes(numbers) if look == "change" else numbers)
    arithmetic(replay, now, numbers)
    biases = {who: _bias(replay, number, who, kernel, filter_) for who in parts}
    # Within a round little changes; beside the untrained filter is seen what was learnt.
    untrained = replay.read(1, BEFORE, kernel)
    if untrained is not None:
        parts[BEFORE] = untrained[..., filter_]
        biases[BEFORE] = _bias(replay, 1, BEFORE, kernel, filter_)
    seen(replay, parts, biases)


def changes(numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What everyone's numbers have moved by from those of `BEFORE`."""
    before = numbers[BEFORE]
    return {who: values - before for who, values in numbers.items() if who != BEFORE}


def _chosen(desk: Desk) -> Replay:
    """The recording, or where there is a master one of its runs."""
    if desk.master is None:
        st.caption(text("replay.of_recording"))
        return recording()
    runs = {run.id: run for run in desk.master.runs() if run.state in ("completed", "stopped")}
    # An own name: results keep theirs under `run`, and may show one that is not finished.
    wanted = choose(
        "replayed",
        text("replay.run"),
        [*runs, RECORDED],
        lambda name: (
            text("replay.recording")
            if name == RECORDED
            else text(
                "replay.run_name",
                at=day(runs[name].created_at),
                model=runs[name].plan.model.name,
                id=short(name),
            )
        ),
    )
    if wanted == RECORDED:
        return recording()
    return replay_of(desk.master, wanted, recording().picture)


def _place(replay: Replay) -> tuple[int, str, int, int]:
    """What is looked at: round, kernel, filter and channel; all in the address."""
    shapes = replay.run.kernels
    with st.grid(min_column_width=200):
        rounds = [str(number) for number in range(1, replay.run.rounds + 1)]
        number = int(_slide("round", text("replay.round"), rounds))
        # What looks at the picture itself comes first: only there can be shown what it sees.
        ordered = sorted(shapes, key=lambda name: (shapes[name][2] != 3, name))
        kernel = choose("kernel", text("replay.kernel"), ordered, plain)
        _, _, inputs, filters = shapes[kernel]
        places = [str(place) for place in range(filters)]
        learnt = str(most_changed(replay, kernel))
        filter_ = int(_slide("filter", text("replay.filter"), places, first=1, default=learnt))
        channels = [str(place) for place in range(inputs)]
        channel = int(
            choose(
                "channel",
                text("replay.channel"),
                channels,
                lambda place: (
                    text(f"replay.{COLOURS[int(place)]}") if inputs == 3 else str(int(place) + 1)
                ),
            )
        )
    return number, kernel, filter_, channel


def most_changed(replay: Replay, kernel: str) -> int:
    """The filter that the whole run has changed most; 0 where its beginning is not kept."""
    before = replay.read(1, BEFORE, kernel)
    after = replay.read(replay.run.rounds, AFTER, kernel)
    if before is None or after is None:
        return 0
    return int(np.abs(after - before).max(axis=(0, 1, 2)).argmax())


def _slide(
    name: str, label: str, options: list[str], first: int = 0, default: str | None = None
) -> str:
    """One of several along a line, kept in the address."""
    if len(options) == 1:
        return options[0]
    key, wanted = f"choice-{name}", st.query_params.get(name)
    st.session_state[key] = wanted if wanted in options else default or options[0]
    return str(
        st.select_slider(
            label,
            options,
            format_func=lambda option: str(int(option) + first),
            key=key,
            on_change=_to_address,
            args=(name,),
        )
    )


def _to_address(name: str) -> None:
    st.query_params[name] = str(st.session_state[f"choice-{name}"])


def _headline(replay: Replay, now: ReplayRound) -> None:
    figures(
        {
            text("chart.round"): text(
                "playground.round_of", round=now.number, rounds=replay.run.rounds
            ),
            text("replay.accuracy"): percent(now.accuracy),
        }
    )
    rule = option_of("strategy.name", replay.run.strategy)
    st.caption(told("replay.made_by", model=replay.run.model, rule=rule))


def _who(now: ReplayRound) -> list[str]:
    return [BEFORE, *(update.node for update in now.updates), AFTER]


def _bias(replay: Replay, number: int, who: str, kernel: str, filter_: int) -> float:
    try:
        found = replay.read(number, who, bias_of(kernel))
    except KeyError:
        # A convolution before a normalisation has none.
        return 0.0
    return 0.0 if found is None else float(found[filter_])
