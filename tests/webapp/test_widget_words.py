"""What Streamlit's widgets say is told in the page's language, in a real browser."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit
from playwright.sync_api import sync_playwright

from tests.chromium import CHROMIUM, FLAGS
from webapp.language import LANGUAGES
from webapp.widget_words import script, widget_texts

PAGE = """
<label title="Help for Runden">Zahl</label>
<input id="list" placeholder="Choose an option">
<button id="more" aria-label="Increment"><svg><title>Search</title></svg></button>
<span id="hint">Press Enter to apply</span>
<span id="fault">
Error: Number is outside the allowed range. Please enter a value between 1 and 9.
</span>
<ul><li role="option" id="class">None</li><li role="option" id="all">Select all</li></ul>
<div data-testid="stMarkdownContainer"><p id="ours">Search</p></div>
<div data-testid="stTooltipContent">
<div data-testid="stMarkdownContainer"><p id="tip">Search</p></div></div>
"""

FILLED = re.compile(r"{\w+}|Ctrl|⌘|(?<=Press Enter to )|(?<=Enter to )")
"""Where Streamlit fills its sentences in: a key, a bound, a widget's label."""


@cache
def bundle() -> str:
    """All that Streamlit's widgets are made of."""
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.js"))


def test_every_sentence_that_is_written_over_is_one_of_the_installed_streamlit() -> None:
    for english in widget_texts("en"):
        for piece in FILLED.split(english):
            assert piece in bundle(), english


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page()
        browser.close()


def speak(page: Any, language: str) -> None:
    page.evaluate(script(language).removeprefix("<script>").removesuffix("</script>"))


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_widget_speaks_the_language_of_the_page(page: Any) -> None:
    page.set_content(PAGE)
    speak(page, "zh")
    assert page.get_attribute("#list", "placeholder") == "请选择"
    assert page.get_attribute("#more", "aria-label") == "增大"
    assert page.get_attribute("label", "title") == "关于“Runden”的说明"
    assert page.inner_text("#hint") == "按 Enter 应用"
    assert page.inner_text("#fault") == "错误： 数值超出允许范围。请输入 1 到 9 之间的值。"
    assert page.inner_text("#tip") == "搜索"
    # A person's own words stay, whatever they are.
    assert page.inner_text("#ours") == "Search"
    assert page.inner_text("#class") == "None"
    assert page.inner_text("#all") == "全选"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_what_a_widget_says_later_is_told_too_and_another_language_puts_it_right(page: Any) -> None:
    page.set_content(PAGE)
    speak(page, "ru")
    # As React does it: within the same text, or with a new element.
    page.evaluate("document.querySelector('#hint').firstChild.data = 'Press Enter to submit form'")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<i id=new>No results</i>')")
    page.wait_for_timeout(50)
    assert page.inner_text("#hint") == "Enter — отправить"
    assert page.inner_text("#new") == "Ничего не найдено"
    speak(page, "en")
    assert page.inner_text("#hint") == "Press Enter to submit form"
    assert page.get_attribute("#list", "placeholder") == "Choose an option"
    speak(page, "zh")
    assert page.inner_text("#new") == "没有结果"


@pytest.mark.parametrize("language", sorted({*LANGUAGES} - {"en"}))
def test_no_sentence_is_left_in_english(language: str) -> None:
    assert [told for english, told in widget_texts(language).items() if told == english] == []
