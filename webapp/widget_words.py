"""What Streamlit's own widgets say: it has words for them in English only."""

from __future__ import annotations

import streamlit as st

from webapp.language import language
from webapp.texts import text

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
    """Has the browser write the page's language over the widgets' English.

    What the uploader says of sizes and kinds is left out: its label says it.
    """
    if language() == "en":
        return
    style = STYLE.format(
        upload=UPLOAD,
        camera=CAMERA,
        taken=TAKEN,
        upload_word=text("layout.upload"),
        camera_word=text("layout.camera"),
        again_word=text("layout.camera_again"),
    )
    st.html(style)
