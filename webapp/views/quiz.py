"""The quiz with an explanation for every answer, the worksheet to print, and the glossary."""

from __future__ import annotations

import streamlit as st

from webapp.desk import Desk
from webapp.language import kept, language
from webapp.layout import opening, section
from webapp.lesson.quiz import ANSWERS, GLOSSARY, QUESTIONS
from webapp.texts import text
from webapp.worksheet import worksheet


def page(desk: Desk) -> None:
    """Draws the page."""
    opening("quiz")
    section("quiz.questions")
    right = sum(_question(number, name) for number, name in enumerate(QUESTIONS, 1))
    st.markdown(text("quiz.right_so_far", right=right, count=len(QUESTIONS)))
    section("quiz.worksheet")
    st.markdown(text("quiz.worksheet_lead"))
    with st.container(horizontal=True):
        _download("pupils", answers=False)
        _download("teachers", answers=True)
    section("quiz.glossary")
    for name in GLOSSARY:
        st.markdown(text("quiz.entry", word=text(f"glossary.{name}"), told=_meaning(name)))


def _meaning(name: str) -> str:
    return text(f"meaning.{name}")


def _question(number: int, name: str) -> bool:
    """Asks one question, explains the answer that was given, and says whether it was right."""
    with st.container(border=True):
        question = text(f"quiz.{name}")
        st.subheader(text("quiz.question", number=number, question=question), anchor=False)
        answer = st.radio(
            question,
            ANSWERS,
            format_func=lambda letter: text(f"quiz.{name}_{letter}"),
            index=None,
            key=f"quiz-{name}",
            label_visibility="collapsed",
        )
        if answer is None:
            return False
        right = answer == QUESTIONS[name]
        why = text(f"quiz.{name}_{answer}_why")
        if right:
            st.success(text("quiz.right", why=why), icon=":material/check_circle:")
        else:
            st.info(text("quiz.not_quite", why=why), icon=":material/lightbulb:")
        return right


def _download(name: str, *, answers: bool) -> None:
    st.download_button(
        text(f"quiz.for_{name}"),
        kept(lambda: worksheet(answers=answers).encode()),
        file_name=f"commonsight-worksheet-{name}-{language()}.html",
        mime="text/html",
        icon=":material/print:",
        key=f"worksheet-{name}",
        on_click="ignore",
    )
