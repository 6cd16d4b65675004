"""Makes a session forget a picture: the file, the answer, and all that was filled in about it."""

from __future__ import annotations

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

COUNTER = "pictures-forgotten"
ANSWERED = "answered"


def turn() -> int:
    """How many pictures this session has forgotten; in a widget's key it empties the widget."""
    return int(st.session_state.get(COUNTER, 0))


def forget(file_id: str) -> None:
    """Drops everything that this session holds of the picture.

    Streamlit keeps an uploaded file until its session ends, even once no widget shows it, and
    the pictures that a page shows until the page is drawn without them.

    Args:
        file_id: Streamlit's own name of the upload; keys of what was filled in end with it.
    """
    context = get_script_run_ctx()
    files = context.uploaded_file_mgr if context else None
    if context and isinstance(files, MemoryUploadedFileManager):
        files.remove_file(context.session_id, file_id)
    for key in [*st.session_state]:
        if str(key).endswith(file_id) or key == ANSWERED:
            del st.session_state[key]
    # Deleted here, the box would stay ticked in the browser.
    st.session_state["consent"] = False
    st.session_state[COUNTER] = turn() + 1


def drop_downloads() -> None:
    """Drops the files that this session made to download and shows no more.

    Streamlit marks such a file the first time that no page refers to it and drops it the
    second; without this, the last report would stay until the next click.
    """
    if runtime.exists():
        runtime.get_instance().media_file_mgr.remove_orphaned_files()
