"""The language of a page: where it comes from, and that it stays."""

import threading

from streamlit.testing.v1 import AppTest

from tests.webapp.conftest import Open, shown
from tests.webapp.scripted import ScriptedServers
from webapp import words
from webapp.language import language, speaking
from webapp.numerals import separators
from webapp.texts import text

SCRIPT = """
import streamlit as st
from webapp.language import language

def pressed():
    st.session_state["heard"] = language()

@st.fragment
def part():
    st.button("part")
    st.text(f"part {language()}")

st.button("press", on_click=pressed)
st.text(language())
st.text(st.session_state.get("heard", ""))
part()
"""


def drawn(locale: str, **query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=10)
    app.context["locale"] = locale
    app.query_params.update(query)
    return app.run()


def test_the_browser_chooses_where_the_address_does_not() -> None:
    for tag, spoken in (("ru-RU", "ru"), ("zh_TW", "zh"), ("de-AT", "en"), ("", "en")):
        assert drawn(tag).text[0].value == spoken
    assert drawn("ru-RU", lang="zh").text[0].value == "zh"
    assert drawn("ru-RU", lang="<script>").text[0].value == "ru"


def test_callbacks_and_fragments_speak_the_language_of_their_page() -> None:
    app = drawn("ru-RU", lang="zh")
    app.button[0].click().run()
    assert app.text[1].value == "zh"
    app.button[1].click().run()
    assert app.text[2].value == "part zh"


def test_a_switch_stays_in_the_address_and_from_page_to_page(open_app: Open) -> None:
    app = open_app("by_hand", "classroom")
    assert "not a medical device" in shown(app)
    assert "lang" not in app.query_params
    app.sidebar.get("button_group")[0].set_value("ru").run()
    assert app.query_params["lang"] in ("ru", ["ru"])
    assert "не медицинское изделие" in shown(app)
    # A link within the app drops what the address said.
    app.query_params.clear()
    app.run()
    assert app.query_params["lang"] in ("ru", ["ru"])
    assert "не медицинское изделие" in shown(app)


def test_a_panel_that_refreshes_itself_keeps_the_language(
    open_app: Open, servers: ScriptedServers
) -> None:
    servers.scripts = {}
    app = open_app("workbench", "site", lang="zh")
    assert "已保存的内容都没有丢失" in app.warning[0].value


def test_outside_a_page_it_is_english_unless_told_otherwise() -> None:
    heard: list[str] = []
    assert language() == "en"
    with speaking("ru"):
        assert text("words.never") == "никогда"
        other = threading.Thread(target=lambda: heard.append(language()))
        other.start()
        other.join()
        with speaking("zh"):
            assert text("words.never") == "从未"
        assert language() == "ru"
    assert language() == "en"
    assert heard == ["en"]


def test_numbers_units_and_dates_follow_the_language() -> None:
    with speaking("ru"):
        assert words.percent(0.8149) == "81,5\u00a0%"
        assert words.figure(0.12345) == "0,123"
        assert words.whole(1234567) == "1\u00a0234\u00a0567"
        assert words.size(6_640_000) == "6,6\u00a0МБ"
        assert words.ago(58.0, 100.0) == "42\u00a0с назад"
        assert words.span(3 * 86_400) == "3\u00a0дн."
        assert separators() == ",\u00a0"
        assert words.day(86_400 * 365.5).startswith("01.01.1971, ")
    with speaking("zh"):
        assert words.percent(0.8149) == "81.5%"
        assert words.whole(1234567) == "1,234,567"
        assert words.span(600) == "10\u00a0分钟"
        assert words.day(86_400 * 365.5).startswith("1971/1/1 ")
    assert words.size(12_300_000_000) == "12.3\u00a0GB"
