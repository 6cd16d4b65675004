"""The clinician's own look: ABCDE and the seven points, filled in by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from webapp.answer_words import pointed, scored
from webapp.case.values import Evolving, OwnLook
from webapp.checklists.dermoscopy_score import (
    COLOURS,
    MOST_AXES,
    MOST_SEGMENTS,
    STRUCTURES,
    DermoscopyScore,
    dermoscopy_score,
)
from webapp.checklists.seven_points import MAJOR, MINOR, SUSPICIOUS, seven_points
from webapp.layout import section
from webapp.skin import Kind
from webapp.texts import text

EVOLVING: tuple[Evolving, ...] = ("yes", "no", "unknown")


def own_look(kind: Kind, file_id: str) -> OwnLook:
    """Draws both checklists; gives what is filled in."""
    if kind == "other":
        return OwnLook()
    section("checklist.title")
    st.markdown(text("checklist.lead"))
    if kind == "clinical":
        st.caption(text("checklist.clinical"))
    with st.expander(text("checklist.abcde"), key=f"abcde-{file_id}", on_change="ignore"):
        score, evolving = _abcde(file_id)
    with st.expander(text("checklist.seven"), key=f"seven-{file_id}", on_change="ignore"):
        signs = _seven(file_id)
    return OwnLook(score, evolving, signs)


def _abcde(file_id: str) -> tuple[DermoscopyScore | None, Evolving | None]:
    axes = _number("axes", MOST_AXES, file_id)
    segments = _number("segments", MOST_SEGMENTS, file_id)
    colours = _several("colours", COLOURS, lambda one: text(f"colour.{one}"), file_id)
    structures = _several("structures", STRUCTURES, lambda one: text(f"structure.{one}"), file_id)
    evolving = _evolving(file_id)
    score = dermoscopy_score(axes, segments, frozenset(colours), frozenset(structures))
    _score(score)
    if evolving == "yes":
        st.warning(text("checklist.changing"), icon=":material/trending_up:")
    st.caption(text("checklist.abcde_source"))
    return score, evolving


def _number(name: str, most: int, file_id: str) -> int | None:
    """A whole number from 0 on; none is chosen beforehand."""
    return st.segmented_control(
        text(f"checklist.{name}"),
        range(most + 1),
        help=text(f"checklist.{name}_help"),
        key=f"{name}-{file_id}",
    )


def _several(
    name: str, options: Sequence[str], written: Callable[[str], str], file_id: str
) -> list[str]:
    return st.pills(
        text(f"checklist.{name}"),
        options,
        selection_mode="multi",
        format_func=written,
        help=text(f"checklist.{name}_help"),
        key=f"{name}-{file_id}",
    )


def _evolving(file_id: str) -> Evolving | None:
    return st.segmented_control(
        text("checklist.evolving"),
        EVOLVING,
        format_func=lambda one: text(f"evolving.{one}"),
        help=text("checklist.evolving_help"),
        key=f"evolving-{file_id}",
    )


def _score(score: DermoscopyScore | None) -> None:
    if score is None:
        st.markdown(text("checklist.open"))
        return
    st.markdown(text("checklist.total", sum=scored(score)))
    _meant(text(f"checklist.{score.meaning}"), is_suspicious=score.meaning != "benign")


def _meant(sentence: str, *, is_suspicious: bool) -> None:
    if is_suspicious:
        st.warning(sentence, icon=":material/priority_high:")
    else:
        st.info(sentence, icon=":material/remove:")


def _seven(file_id: str) -> tuple[str, ...] | None:
    """The signs that are there; None until all seven were looked for."""
    st.markdown(text("checklist.major"))
    found = [sign for sign in MAJOR if _sign(sign, file_id)]
    st.markdown(text("checklist.minor"))
    found += [sign for sign in MINOR if _sign(sign, file_id)]
    is_done = st.checkbox(text("checklist.all_seven"), key=f"all-seven-{file_id}")
    if is_done:
        _meant(pointed(tuple(found)), is_suspicious=seven_points(found) >= SUSPICIOUS)
    else:
        st.markdown(text("checklist.points_open"))
    st.caption(text("checklist.seven_source"))
    return tuple(found) if is_done else None


def _sign(name: str, file_id: str) -> bool:
    return st.checkbox(text(f"sign.{name}"), key=f"{name}-{file_id}")
