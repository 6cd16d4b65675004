"""What a replay shows of a round: kernels in colour, the average of one number, and answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from webapp.layout import section, table
from webapp.lesson.replay import AFTER, BEFORE, Replay, ReplayRound
from webapp.lesson.seen import enlarged, feature_map, in_brightness, in_colours
from webapp.texts import text
from webapp.words import NOTHING, figure, percent, plain, whole

SIDE = 160
"""Pixels of a drawing's longer side at least."""


def _name(who: str) -> str:
    return text(f"replay.{who}") if who in (BEFORE, AFTER) else plain(who)


def _note(now: ReplayRound, who: str) -> str:
    for update in now.updates:
        if update.node == who:
            return text(
                "replay.counts",
                examples=whole(update.num_examples),
                share=percent(update.share) if update.share is not None else NOTHING,
            )
    return ""


def kernels(now: ReplayRound, parts: Mapping[str, np.ndarray]) -> None:
    """The kernel of everyone as squares of colour, on one scale."""
    limit = max(float(np.abs(part).max()) for part in parts.values()) or 1.0
    with st.grid(min_column_width=SIDE, gap="small"):
        for who, part in parts.items():
            low, high = figure(float(part.min())), figure(float(part.max()))
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{_name(who)}**")
                st.image(
                    enlarged(in_colours(part, limit), SIDE),
                    alt=text("replay.kernel_alt", name=_name(who), low=low, high=high),
                    width="stretch",
                    output_format="PNG",
                )
                st.caption(_note(now, who) or text("replay.spans", low=low, high=high))
    st.caption(text("replay.colours", limit=figure(limit)))


def arithmetic(replay: Replay, now: ReplayRound, parts: Mapping[str, np.ndarray]) -> None:
    """The middle number of the kernel: what each site returned, its share, and the sum."""
    section("replay.arithmetic")
    middle = tuple(side // 2 for side in parts[BEFORE].shape)
    counted = [
        (update.node, update.share, float(parts[update.node][middle]))
        for update in now.updates
        if update.share is not None and update.node in parts
    ]
    table(
        [
            {
                text("chart.site"): node,
                text("by_hand.share"): percent(share),
                text("replay.returned"): figure(value, 4),
                text("by_hand.part"): figure(share * value, 4),
            }
            for node, share, value in counted
        ],
        text("replay.table"),
    )
    total = sum(share * value for _, share, value in counted)
    if AFTER in parts:
        key = "replay.sum" if replay.run.strategy in ("fedavg", "fedprox") else "replay.sum_other"
        after = figure(float(parts[AFTER][middle]), 4)
        before = figure(float(parts[BEFORE][middle]), 4)
        st.markdown(text(key, sum=figure(total, 4), after=after, before=before))


def seen(
    replay: Replay,
    parts: Mapping[str, np.ndarray],
    biases: Mapping[str, float],
) -> None:
    """What the filter of everyone answers to in one and the same picture."""
    section("replay.seen")
    picture = replay.picture
    if picture is None or parts[BEFORE].shape[2] != picture.shape[2]:
        st.markdown(text("replay.not_on_pixels"))
        return
    st.markdown(text("replay.seen_lead"))
    maps = {who: feature_map(picture, part, biases[who]) for who, part in parts.items()}
    limit = max(float(found.max()) for found in maps.values()) or 1.0
    with st.grid(min_column_width=140, gap="small"):
        with st.container(border=True, height="stretch"):
            st.markdown(f"**{text('replay.picture')}**")
            st.image(enlarged(picture, SIDE), alt=text("replay.picture_alt"), width="stretch")
            st.caption(text("replay.synthetic"))
        for who, found in maps.items():
            active = percent(float((found > 0).mean()), 0)
            name = text("replay.untrained") if who == BEFORE else _name(who)
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{name}**")
                st.image(
                    enlarged(in_brightness(found, limit), SIDE),
                    alt=text("replay.map_alt", name=name, share=active),
                    width="stretch",
                    output_format="PNG",
                )
                st.caption(text("replay.active", share=active))
