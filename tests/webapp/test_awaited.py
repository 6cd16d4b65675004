"""Asked as a page of the web app would ask."""

from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st
from webapp.awaited import awaited

class Full(Exception):
    pass

# A thread of its own has no page, and so no session.
calls = st.session_state.setdefault("calls", [])

def ask():
    calls.append(question)
    if question == "full":
        raise Full("no room")
    return f"{question}, asked {len(calls)} times"

question, now = st.session_state.question, st.session_state.now
try:
    st.markdown(awaited("test", question, ask, now))
except Full as error:
    st.error(str(error))
"""


def asked(app: AppTest, question: str, now: float) -> AppTest:
    app.session_state.question, app.session_state.now = question, now
    return app.run()


def test_an_answer_is_good_for_a_moment_and_for_its_own_question() -> None:
    app = AppTest.from_string(PAGE, default_timeout=20)
    assert asked(app, "first", 100.0).markdown[0].value == "first, asked 1 times"
    assert asked(app, "first", 104.0).markdown[0].value == "first, asked 1 times"
    assert asked(app, "second", 104.0).markdown[0].value == "second, asked 2 times"
    assert asked(app, "second", 110.0).markdown[0].value == "second, asked 3 times"


def test_what_goes_wrong_is_heard_where_the_answer_is_wanted() -> None:
    app = asked(AppTest.from_string(PAGE, default_timeout=20), "full", 100.0)
    assert app.error[0].value == "no room"
    assert asked(app, "first", 101.0).markdown[0].value == "first, asked 2 times"


LOOKING = PAGE.replace("import awaited\n", "import awaited, follow\n").replace(
    """    st.markdown(awaited(""",
    """    if st.session_state.get("only_looks"):
        follow("test", ask, lambda: now)
        st.stop()
    st.markdown(awaited(""",
)
"""A page that, once told so, does what it does between two questions of its visitor."""


def test_an_answer_that_has_become_another_is_heard_without_a_question() -> None:
    app = AppTest.from_string(LOOKING, default_timeout=20)
    asked(app, "first", 100.0)
    app.session_state.only_looks = True
    asked(app, "first", 104.0)
    assert app.session_state.calls == ["first"]
    asked(app, "first", 110.0)
    app.session_state["asked-test-again"].answer.result(20)
    asked(app, "first", 111.0)
    assert "asked-test-again" not in app.session_state
    app.session_state.only_looks = False
    assert asked(app, "first", 112.0).markdown[0].value == "first, asked 2 times"
