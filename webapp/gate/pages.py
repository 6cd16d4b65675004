"""The few pages that stand before the web app: plain HTML, for who has not signed in."""

from __future__ import annotations

import re
from html import escape

from starlette.requests import HTTPConnection

from webapp.language import LANGUAGES, PARAMETER, speaking
from webapp.settings import Role
from webapp.texts import text

PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Commonsight</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1rem;
  color: light-dark(#1D2733, #E9E6DF); background: light-dark(#FDFCFA, #12181F); }}
h1 {{ font: 600 2rem/1.2 Georgia, serif; }}
a {{ color: light-dark(#0B6394, #7CC6F0); }}
code {{ display: block; padding: .75rem 1rem; border-radius: .5rem;
  background: light-dark(#F3F1EC, #1B242E); overflow-wrap: anywhere; }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""

CODE = re.compile(r"[a-z_]{1,40}")
"""Of OAuth 2.0 and OpenID Connect, as in `access_denied`."""
ONWARD = '<meta http-equiv="refresh" content="0;url=/">'


def refused_page(asking: HTTPConnection, role: Role, *, used: bool) -> str:
    """For who is not signed in: why, and how to get a link."""
    # Classroom and console have no `run_all.sh` of their own.
    command = "./run_all.sh link" if role == "demo" else ".venv/bin/python -m webapp link"
    with speaking(preferred(asking)):
        body = (
            _paragraph("enter.used" if used else "enter.refused"),
            _paragraph("enter.how"),
            f"<code>{escape(command)}</code>",
            _paragraph("enter.same_state"),
        )
        return _page(asking, "".join(body))


def entered_page(asking: HTTPConnection) -> str:
    """For who has just signed in: goes on by itself, to our own first page and nowhere else."""
    with speaking(preferred(asking)):
        link = f'<p><a href="/">{escape(text("enter.open"))}</a></p>'
        return _page(asking, _paragraph("enter.entered") + link, ONWARD)


def not_signed_in_page(asking: HTTPConnection) -> str:
    """For whom the identity provider has sent back without an account.

    Of what it said only the code is told: anybody can make an address with a sentence in it.
    """
    code = asking.query_params.get("error", "")
    told = f"<code>{escape(code)}</code>" if CODE.fullmatch(code) else ""
    with speaking(preferred(asking)):
        link = f'<p><a href="/">{escape(text("enter.again"))}</a></p>'
        return _page(asking, _paragraph("enter.not_signed_in") + told + link)


def left_page(asking: HTTPConnection) -> str:
    """For who has just signed out."""
    with speaking(preferred(asking)):
        return _page(asking, _paragraph("enter.left"))


def _page(asking: HTTPConnection, body: str, head: str = "") -> str:
    title = escape(text("enter.title"))
    return PAGE.format(lang=preferred(asking), title=title, head=head, body=body)


def _paragraph(key: str) -> str:
    return f"<p>{escape(text(key))}</p>"


def preferred(asking: HTTPConnection) -> str:
    """The language of the address, else the first of the browser's that is ours."""
    tags = [asking.query_params.get(PARAMETER, "")]
    tags += asking.headers.get("accept-language", "")[:200].split(",")
    codes = [tag.strip().split(";")[0].split("-")[0].lower() for tag in tags]
    return next((code for code in codes if code in LANGUAGES), "en")
