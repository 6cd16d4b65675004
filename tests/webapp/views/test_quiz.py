from html.parser import HTMLParser

import pytest

import webapp.worksheet
from tests.webapp.conftest import Open, shown
from webapp.lesson.federation import state_at
from webapp.lesson.presets import PRESETS
from webapp.lesson.quiz import ANSWERS, QUESTIONS
from webapp.texts import text
from webapp.words import percent
from webapp.worksheet import worksheet


def test_each_answer_is_explained_and_only_the_right_one_counts(open_app: Open) -> None:
    app = open_app("quiz", "classroom")
    assert not app.exception
    assert "**0** of 7" in shown(app)
    app.radio(key="quiz-mean").set_value("a").run()
    assert "counts each site once" in app.info[0].value
    assert "**0** of 7" in shown(app)
    for name, right in QUESTIONS.items():
        app.radio(key=f"quiz-{name}").set_value(right)
    app.run()
    assert len(app.success) == len(QUESTIONS)
    assert "(10 × 0 + 90 × 1) / 100 = 0.9" in shown(app)
    assert "**7** of 7" in shown(app)
    assert not app.error


def test_every_answer_has_its_reason() -> None:
    told = [text(f"quiz.{name}_{a}_why") for name in QUESTIONS for a in ANSWERS]
    assert len(set(told)) == 3 * len(QUESTIONS)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_worksheet_with_answers_computes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webapp.worksheet, "ROUNDS", 2)
    pupils, teachers = worksheet(answers=False), worksheet(answers=True)
    # (10 · 0.4 + 30 · −0.2 + 60 · 0.1) / 100 = (4 − 6 + 6) / 100
    assert "0.040" in teachers
    assert "0.040" not in pupils
    assert "☒" not in pupils
    assert teachers.count("☒") == len(QUESTIONS)
    reached = percent(state_at(PRESETS["alike"].lesson, 2).measured[1])
    assert reached in teachers
    assert reached not in pupils
    for sheet in (pupils, teachers):
        tags = Tags()
        tags.feed(sheet)
        assert tags.open == []
        assert "http" not in sheet
