"""One case as PDF, in the page's language, with the font that writes all of them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont
from PIL import Image

from webapp.answer_words import first, found, how_sure, measured, pointed, scored, unmarked
from webapp.case.values import Case
from webapp.heat_map import decoded, overlaid
from webapp.language import language
from webapp.retold import retold
from webapp.texts import text
from webapp.words import (
    commas,
    day,
    percent,
    short,
)

FONT = Path(__file__).parents[1] / "assets" / "fonts" / "noto-sans-sc.otf"
STRENGTH = 0.8
MARGIN, GAP, PICTURE = 18.0, 6.0, 58.0
"""Millimetres."""
TOP_CLASSES = 8
INK, FAINT, BLUE, PALE = (29, 39, 51), (96, 104, 114), (11, 99, 148), (226, 223, 214)


def case_pdf(case: Case) -> bytes:
    """The case on one or two pages of A4; what was left open is not there."""
    page = _Page(case)
    page.heading(text("case.title"), 17)
    page.words(text("classify.banner"), 9, BLUE)
    _facts(page, case)
    _pictures(page, case)
    _answer(page, case)
    for part in (_quality, _look, _opinion):
        part(page, case)
    return page.done()


@functools.cache
def drawable() -> frozenset[int]:
    """The characters that the font can draw, as code points."""
    font = TTFFont(FPDF(), FONT, "noto", "")
    try:
        return frozenset(font.cmap)
    finally:
        font.close()


def fit(words: str) -> str:
    """The words on one line, and with a question mark for what the font cannot draw."""
    line = " ".join(unmarked(words).split())
    return "".join(sign if ord(sign) in drawable() else "?" for sign in line)


class _Sheet(FPDF):
    """A document whose every page says what it is not."""

    def footer(self) -> None:
        """Called by fpdf2 at the end of each page."""
        self.set_y(-MARGIN + 4)
        self.set_font("noto", size=7.5)
        self.set_text_color(*FAINT)
        self.cell(0, 4, fit(f"{self.page_no()} · {text('layout.not_a_device')}"))


class _Page:
    """A document that is being written, from top to bottom."""

    def __init__(self, case: Case) -> None:
        self.pdf = _Sheet(format="A4")
        self.pdf.add_font("noto", fname=FONT)
        self.pdf.set_margins(MARGIN, MARGIN)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(True, MARGIN)
        self.pdf.set_title(fit(text("case.title")))
        self.pdf.set_creator("Commonsight")
        self.pdf.set_lang(language())
        self.pdf.set_creation_date(datetime.fromtimestamp(case.at, UTC))
        self.pdf.add_page()

    def heading(self, words: str, size: float = 12) -> None:
        """A heading, kept with what it is above."""
        if self.pdf.will_page_break(2 * size):
            self.pdf.add_page()
        self.pdf.ln(2.5)
        self.words(words, size)
        self.pdf.ln(0.5)

    def words(
        self, words: str, size: float = 9.5, colour: tuple[int, int, int] = INK, width: float = 0
    ) -> None:
        """A paragraph."""
        self.pdf.set_font("noto", size=size)
        self.pdf.set_text_color(*colour)
        self.pdf.multi_cell(
            width,
            size * 0.52,
            fit(words),
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            wrapmode=WrapMode.CHAR if language() == "zh" else WrapMode.WORD,
        )

    def row(self, label: str, value: str) -> None:
        """A label, and beside it what it stands for."""
        if self.pdf.will_page_break(12):
            self.pdf.add_page()
        top = self.pdf.get_y()
        self.words(label, 9, FAINT, width=44)
        below = self.pdf.get_y()
        self.pdf.set_xy(MARGIN + 46, top)
        self.words(value, 9)
        self.pdf.set_y(max(below, self.pdf.get_y()) + 0.6)

    def done(self) -> bytes:
        """The file."""
        try:
            return bytes(self.pdf.output())
        finally:
            for font in self.pdf.fonts.values():
                if isinstance(font, TTFFont):
                    font.close()


def _facts(page: _Page, case: Case) -> None:
    held, prediction = case.held, case.prediction
    page.pdf.ln(2)
    version = text("case.version", round=prediction.round, weights=short(prediction.weights))
    for name, value in (
        ("reference", case.reference),
        ("at", day(case.at)),
        ("site", case.site),
        ("study", held.study.name),
        ("model", f"{held.model}, {version}"),
        ("knows", commas(held.study.classes)),
        ("kind", text(f"classify.kind_{case.kind}")),
    ):
        if value:
            page.row(text(f"case.{name}"), value)


def _pictures(page: _Page, case: Case) -> None:
    """The picture and, beside it, the map over it."""
    overlay, told_of = decoded(case.prediction.overlay), case.prediction.explanation
    shown: list[tuple[Image.Image, str]] = [(case.picture, text("classify.picture"))]
    if overlay is not None and told_of is not None:
        meant = text("classify.overlay", name=told_of.target)
        shown.append((overlaid(case.picture, overlay, STRENGTH), meant))
    width, height = _size(case.picture)
    page.pdf.ln(3)
    if page.pdf.will_page_break(height + 12):
        page.pdf.add_page()
    top, below = page.pdf.get_y(), 0.0
    for place, (picture, caption) in enumerate(shown):
        left = MARGIN + place * (PICTURE + GAP)
        page.pdf.image(picture, left, top, width, height, alt_text=fit(caption))
        page.pdf.set_xy(left, top + height + 1)
        page.words(caption, 8, FAINT, width=PICTURE)
        below = max(below, page.pdf.get_y())
    page.pdf.set_y(below)
    if len(shown) > 1:
        page.words(text("classify.not_why"), 9)


def _size(picture: Image.Image) -> tuple[float, float]:
    scale = PICTURE / max(picture.size)
    return picture.width * scale, picture.height * scale


def _answer(page: _Page, case: Case) -> None:
    prediction = case.prediction
    page.heading(text("classify.result"))
    ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
    for name, share in ranked[:TOP_CLASSES]:
        _bar(page, name, share)
    name, share = first(prediction)
    page.pdf.ln(1)
    page.words(f"{name}: {percent(share)}. {how_sure(prediction)}")
    if prediction.sureness is not None:
        page.words(measured(prediction.sureness), 9, FAINT)
    elif prediction.sureness_missing:
        page.words(text("classify.not_told", reason=retold(prediction.sureness_missing)), 9, FAINT)
    page.words(text("classify.limits"), 9, FAINT)


def _bar(page: _Page, name: str, share: float) -> None:
    pdf, height, wide = page.pdf, 4.6, 96.0
    if pdf.will_page_break(height + 2):
        pdf.add_page()
    top = pdf.get_y()
    pdf.set_font("noto", size=9)
    pdf.set_text_color(*INK)
    pdf.cell(50, height, _shortened(page, name, 48))
    pdf.set_fill_color(*PALE)
    pdf.rect(MARGIN + 51, top + 0.6, wide, height - 1.2, "F")
    pdf.set_fill_color(*BLUE)
    pdf.rect(MARGIN + 51, top + 0.6, max(wide * share, 0.2), height - 1.2, "F")
    pdf.set_xy(MARGIN + 51 + wide + 2, top)
    pdf.cell(20, height, fit(percent(share)))
    pdf.set_xy(MARGIN, top + height + 0.8)


def _shortened(page: _Page, name: str, width: float) -> str:
    words = fit(name)
    while len(words) > 2 and page.pdf.get_string_width(words) > width:
        words = words[:-2] + "…"
    return words


def _quality(page: _Page, case: Case) -> None:
    page.heading(text("quality.title"))
    quality = case.prediction.quality
    if quality is not None:
        page.row(text("case.pixels"), f"{quality.width} × {quality.height}")
        for finding in quality.findings:
            page.row(text(f"quality.aspect_{finding.aspect}"), found(finding))
    page.row(text("case.removed"), commas(case.removed))


def _look(page: _Page, case: Case) -> None:
    look = case.look
    if look.score is None and look.signs is None and look.evolving is None:
        return
    page.heading(text("checklist.title"))
    score, signs = look.score, look.signs
    if score is not None:
        page.row(text("case.abcd"), scored(score))
        page.row("", text(f"checklist.{score.meaning}"))
        for name, chosen in (("colour", score.colours), ("structure", score.structures)):
            told = commas(text(f"{name}.{one}") for one in sorted(chosen))
            page.row(text(f"checklist.{name}s"), told)
    if look.evolving is not None:
        page.row(text("checklist.evolving"), text(f"evolving.{look.evolving}"))
    if signs is not None:
        page.row(text("case.seven_points"), pointed(signs))
        if signs:
            page.row("", commas(text(f"sign.{one}") for one in signs))


def _opinion(page: _Page, case: Case) -> None:
    opinion = case.opinion
    if opinion.agreement is None:
        return
    page.heading(text("opinion.title"))
    page.row(text("case.agreement"), text(f"opinion.{opinion.agreement}"))
    if opinion.label is not None:
        page.row(text("case.own_label"), opinion.label)
