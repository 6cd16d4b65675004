"""The entry file: `python -m streamlit run webapp/app.py` from the root of the checkout."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Streamlit puts this folder first on the path, where its files would hide packages of the same
# name; the root of the checkout belongs there instead.
sys.path[:] = [str(HERE.parent), *(p for p in sys.path if p and Path(p).resolve() != HERE)]

from starlette.formparsers import MultiPartParser  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.routing import Mount  # noqa: E402
from starlette.staticfiles import StaticFiles  # noqa: E402
from streamlit.starlette import App  # noqa: E402

from webapp.gate.keys import Keys  # noqa: E402
from webapp.gate.members import members_of  # noqa: E402
from webapp.gate.spoken import Spoken  # noqa: E402
from webapp.gate.wall import Gate, Wall  # noqa: E402
from webapp.settings import keys_path, load_settings  # noqa: E402

# A picture as it was sent, EXIF and all, must never wait in a temporary file: above Streamlit's
# `maxUploadSize`, every upload stays in memory.
MultiPartParser.spool_max_size = 64 * 2**20


def gate() -> Gate:
    """How this web app is entered, by its settings as they are now."""
    settings = load_settings(os.environ)
    path = keys_path(os.environ)
    keys = Keys(path, time.time) if path and settings.role != "classroom" else None
    return Gate(settings.role, keys, members_of(settings))


fonts = StaticFiles(directory=HERE / "assets" / "fonts")

app = App(
    HERE / "script.py",
    routes=[Mount("/fonts", fonts)],
    middleware=[Middleware(Wall, gate=gate), Middleware(Spoken)],
)
