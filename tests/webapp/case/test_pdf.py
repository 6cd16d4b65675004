"""The report as PDF: its file, and a font that draws all that can stand in it."""

import logging

import pytest

from tests.webapp.case.told import case
from webapp.case.pdf import FONT, case_pdf, drawable, fit
from webapp.language import LANGUAGES, speaking
from webapp.texts import texts

SECTIONS = (
    *("case", "checklist", "classify", "colour", "evolving", "layout", "opinion", "quality"),
    *("removed", "sign", "structure", "sureness", "words"),
)


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_a_report_has_its_own_font_and_lacks_no_sign(
    spoken: str, caplog: pytest.LogCaptureFixture
) -> None:
    with speaking(spoken), caplog.at_level(logging.WARNING):
        document = case_pdf(case())
    assert document.startswith(b"%PDF-")
    assert b"+NotoSansCJKSC" in document
    assert f"/Lang ({spoken})".encode() in document
    assert "glyph" not in caplog.text


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_the_font_draws_every_text_of_a_report(spoken: str) -> None:
    known = texts(spoken)
    for key, entry in known.items():
        if key.split(".")[0] in SECTIONS:
            written = entry if isinstance(entry, str) else "".join(entry.values())
            signs = {*written} - {"\n", "*", "\u2060"}
            assert {sign for sign in signs if ord(sign) not in drawable()} == set(), key


def test_the_font_has_cyrillic_and_all_of_gb_2312() -> None:
    high = range(0xB0, 0xF8)
    hanzi = {
        sign
        for first in high
        for second in range(0xA1, 0xFF)
        for sign in bytes((first, second)).decode("gb2312", "ignore")
    }
    assert len(hanzi) == 6763
    assert {ord(sign) for sign in hanzi | {*"АЯаяЁё№«»—"}} <= drawable()
    assert FONT.stat().st_size < 3_000_000
    assert "SIL OPEN FONT LICENSE" in (FONT.parent / "OFL.txt").read_text()


def test_what_the_font_cannot_draw_shows_as_a_question_mark() -> None:
    assert fit("Case\n\u0639 **7**\u2060 ✓") == "Case ? 7 ✓"
    hostile = ("\u0639" * 300, "**b**\x00")
    assert case_pdf(case(classes=hostile, reference="x" * 400)).startswith(b"%PDF-")


def test_what_was_left_open_makes_a_shorter_report() -> None:
    assert len(case_pdf(case(is_open=True))) < len(case_pdf(case()))
