"""An educator: the lesson from the story to the quiz, and the sheet that is printed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.walk.servers import Stage
from benchmarks.walk.walker import Walker
from webapp.language import LANGUAGES
from webapp.lesson.quiz import ANSWERS, QUESTIONS
from webapp.lesson.settings import ROUNDS
from webapp.texts import text


def walk(one: Walker, stage: Stage, folder: Path) -> None:
    """Walks the whole lesson.

    Args:
        one: Before the classroom, which stands open.
        stage: The servers; the classroom calls none.
        folder: Not used.
    """
    one.open("story")
    one.shoot("story")
    one.go("by_hand")
    one.slide(text("by_hand.examples"), "ArrowRight", 15)
    one.slide(text("by_hand.weight"), "ArrowLeft", 4, nth=1)
    one.shoot("by-hand")
    _plays(one)
    _predicts(one)
    _replays(one)
    _asks(one)
    _prints(one)


def _plays(one: Walker) -> None:
    """A scenario step by step, then two federations side by side."""
    one.go("playground")
    one.pick("playground.preset_uneven")
    for _ in range(3):
        one.press("playground.step")
    one.shoot("playground")
    one.unfold("playground.controls")
    one.slide(text("playground.sites"), "ArrowRight", 2)
    one.shoot("playground-settings")
    one.pick("playground.preset_hostile")
    one.page.keyboard.press("s")
    one.settle()
    one.press("playground.step")
    one.shoot("playground-two")


def _predicts(one: Walker) -> None:
    """First a prediction, then the course to its end."""
    one.open("playground", preset="uneven", alpha=0.15, epochs=5, seed=4, predict=1)
    one.shoot("predict")
    one.slide(text("playground.question_one", rounds=ROUNDS), "ArrowRight", 20)
    one.press("playground.commit")
    one.page.get_by_text(f"{ROUNDS} / {ROUNDS}").first.wait_for()
    one.shoot("predicted")


def _replays(one: Walker) -> None:
    """Another round and another filter of the recorded run."""
    one.go("replay")
    one.shoot("replay")
    one.slide(text("replay.round"), "ArrowRight", 7)
    one.choose("replay.look", text("replay.look_numbers"))
    one.shoot("replay-numbers")


def _asks(one: Walker) -> None:
    """Every question, the right answers and some wrong ones."""
    one.go("quiz")
    for number, (name, right) in enumerate(QUESTIONS.items()):
        answer = right if number % 3 else next(a for a in ANSWERS if a != right)
        one.pick(f"quiz.{name}_{answer}")
    one.shoot("quiz")


def _prints(one: Walker) -> None:
    """Both sheets; then the same page in the next language."""
    for kind in ("pupils", "teachers"):
        with one.taking("<!doctype html>"):
            one.press(f"quiz.for_{kind}")
    codes = list(LANGUAGES)
    other = codes[(codes.index(one.setting.language) + 1) % len(codes)]
    one.open("quiz")
    one.navigation()
    one.page.get_by_role("radio", name=LANGUAGES[other]).first.click()
    one.settle()
    if f"lang={other}" not in one.page.url:
        one.faults.append("the language that was chosen is not in the address")
