"""The entry file: `python -m streamlit run webapp/app.py` from the root of the checkout."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Streamlit puts this folder first on the path, where its files would hide packages of the same
# name; the root of the checkout belongs there instead.
sys.path[:] = [str(HERE.parent), *(p for p in sys.path if p and Path(p).resolve() != HERE)]

from starlette.formparsers import MultiPartParser  # noqa: E402

from webapp.frame import main  # noqa: E402

# A picture as it was sent, EXIF and all, must never wait in a temporary file: above Streamlit's
# `maxUploadSize`, every upload stays in memory. A browser uploads through a widget, which only
# this script draws: nothing comes before this line has run.
MultiPartParser.spool_max_size = 64 * 2**20

main()
