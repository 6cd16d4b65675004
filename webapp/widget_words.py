"""What Streamlit's own widgets say: it has words for them in English only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from webapp.language import language
from webapp.texts import text, texts

SCRIPT = Path(__file__).parent / "assets" / "widget_words.js"
SECTION = "widget."
BRACES = re.compile(r"\{(\w+)\}")

UPLOAD = '[data-testid="stFileUploaderDropzone"] [data-testid="stBaseButton-secondary"] p'
CAMERA = '[data-testid="stCameraInputButton"]'
TAKEN = f'[data-testid="stCameraInput"]:has(img) {CAMERA}'

STYLE = """<style>
[data-testid="stFileUploaderDropzoneInstructions"] {{ display: none; }}
{upload}, {camera} {{ font-size: 0; }}
{upload} {{ max-width: none; }}
{upload}::after {{ content: "{upload_word}"; font-size: 0.875rem; }}
{camera}::after {{ content: "{camera_word}"; font-size: 0.875rem; }}
{taken}::after {{ content: "{again_word}"; }}
</style>"""


def widget_words() -> None:
    """Has the browser write the page's language over the widgets' English."""
    spoken = language()
    if spoken != "en":
        st.html(_buttons())
    # In English too: the words may have been written over in the language before.
    st.html(script(spoken), unsafe_allow_javascript=True)


def _buttons() -> str:
    """The uploader's and the camera's words, whose places our own texts have elsewhere.

    What the uploader says of sizes and kinds is left out: its label says it.
    """
    return STYLE.format(
        upload=UPLOAD,
        camera=CAMERA,
        taken=TAKEN,
        upload_word=text("layout.upload"),
        camera_word=text("layout.camera"),
        again_word=text("layout.camera_again"),
    )


@cache
def script(spoken: str) -> str:
    """What writes over the English of Streamlit, as HTML.

    Args:
        spoken: The language; in English it puts back what another one has written over.
    """
    said = {} if spoken == "en" else widget_texts(spoken)
    words = {english: told for english, told in said.items() if not BRACES.search(english)}
    templates = [_template(english, told) for english, told in said.items() if english not in words]
    spoken_words = json.dumps({"words": words, "templates": templates}, ensure_ascii=False)
    return f"<script>{SCRIPT.read_text(encoding='utf-8').replace('SPOKEN', spoken_words)}</script>"


def widget_texts(spoken: str) -> Mapping[str, str]:
    """What a widget says, by its English."""
    english = {key: str(said) for key, said in texts().items() if key.startswith(SECTION)}
    told = texts(spoken)
    return {said: str(told[key]) for key, said in english.items()}


def _template(english: str, told: str) -> tuple[str, str]:
    """A sentence with something filled in, as the pattern and the replacement of JavaScript."""
    names = BRACES.findall(english)
    pattern = "(.+)".join(map(re.escape, BRACES.split(english)[::2]))
    return f"^{pattern}$", BRACES.sub(lambda brace: f"${names.index(brace[1]) + 1}", told)
