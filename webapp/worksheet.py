"""The worksheet of the lesson: one page of HTML by itself, made to be printed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from webapp.language import language
from webapp.lesson.by_hand import average
from webapp.lesson.federation import state_at
from webapp.lesson.presets import PRESETS, Preset
from webapp.lesson.quiz import ANSWERS, QUESTIONS
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.texts import text
from webapp.words import figure, percent, small

SITES = {"A": (10, 0.4), "B": (30, -0.2), "C": (60, 0.1)}
"""Of the exercise by hand: examples, and the weight that the site found."""

TRAVELS = {"picture": False, "weights": True, "name": False, "count": True, "illness": False}
"""What a site has, and whether it leaves."""

STYLE = """
@page { size: A4; margin: 18mm; }
body { font: 11pt/1.5 system-ui, "Noto Sans", "Noto Sans SC", sans-serif; color: #111;
  background: #fff; max-width: 176mm; margin: 0 auto; padding: 6mm; }
h1 { font-size: 20pt; margin: 0 0 2mm; } h2 { font-size: 13pt; margin: 7mm 0 2mm; }
section { break-inside: avoid; } p { margin: 1.5mm 0; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { border: 1px solid #777; padding: 2mm; text-align: left; vertical-align: top; }
.line { border-bottom: 1px solid #777; height: 9mm; } .name { display: flex; gap: 8mm; }
.name span { flex: 1; border-bottom: 1px solid #777; padding-bottom: 1mm; }
.answer { color: #0B6394; font-weight: 600; } li { list-style: none; margin: 1mm 0; }
section:nth-of-type(3) th:last-child { width: 45%; }
small { display: block; margin-left: 6mm; color: #444; font-size: 10pt; }
ul { padding-left: 4mm; margin: 1mm 0; }
@media print { body { padding: 0; max-width: none; } .answer { color: #000; } }
"""


def worksheet(*, answers: bool) -> str:
    """The worksheet as an HTML document in the page's language.

    Args:
        answers: Whether it holds the answers. They are computed, by the product's own averaging.
    """
    title = text("worksheet.title_answers" if answers else "worksheet.title")
    body = [
        f"<h1>{escape(title)}</h1>",
        _name(),
        _exercise("travels", _what_travels(answers)),
        _exercise("by_hand", _by_hand(answers)),
        _exercise("predict", _predictions(answers)),
        _exercise("choose", _choices(answers)),
        _exercise("think", _think(answers)),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="{language()}"><head>{head}</head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _name() -> str:
    spans = (f"<span>{escape(text(f'worksheet.{key}'))}</span>" for key in ("name", "date"))
    return '<p class="name">' + "".join(spans) + "</p>"


def _exercise(name: str, content: str) -> str:
    heading = escape(text(f"worksheet.{name}"))
    lead = escape(text(f"worksheet.{name}_lead", rounds=ROUNDS))
    return f"<section><h2>{heading}</h2><p>{lead}</p>{content}</section>"


def _what_travels(answers: bool) -> str:
    rows = [
        (
            text(f"worksheet.thing_{thing}"),
            _answer("✓" if leaves else "", answers),
            _answer("" if leaves else "✓", answers),
        )
        for thing, leaves in TRAVELS.items()
    ]
    heads = (text("worksheet.thing"), text("story.travels"), text("story.stays"))
    return _table(heads, rows)


def _by_hand(answers: bool) -> str:
    found = average(SITES)
    rows = [
        (
            text("by_hand.site", letter=letter),
            str(examples),
            small(weight),
            _answer(percent(found.shares[letter], 0), answers),
            _answer(figure(found.shares[letter] * weight), answers),
        )
        for letter, (examples, weight) in SITES.items()
    ]
    heads = ("chart.site", "by_hand.examples", "by_hand.weight", "by_hand.share", "by_hand.part")
    # Only a plain mean tells whoever forgot the pictures what went wrong.
    plain = sum(weight for _, weight in SITES.values()) / len(SITES)
    said = text("worksheet.by_hand_answer", mean=figure(found.mean), plain=figure(plain))
    return _table([text(head) for head in heads], rows) + _lines(said, answers, 1)


def _predictions(answers: bool) -> str:
    rows = [
        (
            text(f"playground.preset_{name}"),
            "",
            _answer(_came_to(preset) if answers else "", answers),
            _answer(text(f"worksheet.why_{name}"), answers),
        )
        for name, preset in PRESETS.items()
    ]
    heads = ("scenario", "prediction", "happened", "why")
    return _table([text(f"worksheet.{head}") for head in heads], rows)


def _came_to(preset: Preset) -> str:
    def reached(lesson: Lesson) -> str:
        return percent(state_at(lesson, ROUNDS).measured[1])

    if preset.beside is None:
        return reached(preset.lesson)
    return text("worksheet.came_to", a=reached(preset.lesson), b=reached(preset.beside))


def _choices(answers: bool) -> str:
    return "".join(_choice(number, name, answers) for number, name in enumerate(QUESTIONS, 1))


def _choice(number: int, name: str, answers: bool) -> str:
    items = []
    for letter in ANSWERS:
        right = answers and letter == QUESTIONS[name]
        told = escape(f"{'☒' if right else '☐'} {text(f'quiz.{name}_{letter}')}")
        why = f"<small>{escape(text(f'quiz.{name}_{letter}_why'))}</small>" if answers else ""
        items.append(f"<li>{f'<b>{told}</b>' if right else told}{why}</li>")
    question = escape(text(f"quiz.{name}"))
    return f"<section><p><b>{number}.</b> {question}</p><ul>{''.join(items)}</ul></section>"


def _think(answers: bool) -> str:
    return "".join(
        f"<p>{escape(text(f'worksheet.think_{part}'))}</p>"
        + _lines(text(f"worksheet.think_{part}_answer"), answers, 2)
        for part in ("own", "trust")
    )


def _answer(said: str, answers: bool) -> str:
    return said if answers else ""


def _lines(said: str, answers: bool, count: int) -> str:
    """The answer, or room to write it."""
    if answers:
        return f'<p class="answer">{escape(said)}</p>'
    return '<div class="line"></div>' * count


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    above = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    below = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{above}</tr></thead><tbody>{below}</tbody></table>"
