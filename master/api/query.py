"""Numbers in the query of a call."""

from __future__ import annotations

from flask import request

from federated.errors import InvalidInput

DIGITS = 17
"""More than any round or event has, and few enough for every database."""


def number_in_query(name: str) -> int | None:
    """The whole number from 0 that the query names so, if there is one.

    Raises:
        InvalidInput: It is something else.
    """
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise InvalidInput(f"'{name}' is not a number", expected="0, 1, 2, …", received=text[:20])
    return int(text)
