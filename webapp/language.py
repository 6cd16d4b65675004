"""Which language a page speaks: that of its address, else the browser's, else English."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

import streamlit as st
from babel import Locale
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

LANGUAGES = MappingProxyType({"en": "English", "zh": "中文", "ru": "русский"})
"""By code, as each names itself."""

PARAMETER = "lang"
"""Of the address; under the same name a session remembers what was chosen."""

_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def language() -> str:
    """The language of the page that is being drawn; English outside Streamlit.

    It is looked up anew at every call: a panel that refreshes itself, a dialog and a widget's
    callback each run in a thread of their own, without the script that drew the page.
    """
    spoken = _spoken.get()
    if spoken:
        return spoken
    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    return chosen() or _code(st.context.locale) or "en"


def chosen() -> str | None:
    """What the address asks for, or what this session was switched to; None where neither is."""
    return _code(st.query_params.get(PARAMETER)) or _code(st.session_state.get(PARAMETER))


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within, everything is told in one language, whatever the page's is: a report, say.

    Args:
        code: One of `LANGUAGES`.
    """
    before = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(before)


def kept(write: Callable[[], bytes]) -> Callable[[], bytes]:
    """Writes a file later, in a thread that knows no page, in the language that the page has now.

    Args:
        write: Makes the content of a download.
    """
    code = language()

    def written() -> bytes:
        with speaking(code):
            return write()

    return written


def locale() -> Locale:
    """The rules by which the page's language writes numbers, dates and plural forms."""
    return Locale.parse(language())


def _code(tag: str | None) -> str | None:
    """The language of a tag such as `zh-Hans-CN`, where it is one of ours."""
    code = str(tag or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else None
