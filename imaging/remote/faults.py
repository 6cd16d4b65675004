"""What every kind of server can do wrong, in the same words."""

from __future__ import annotations

from imaging.errors import BatchServerAway, BatchServerRefused


def away(received: str) -> BatchServerAway:
    """The server cannot be reached, is too slow, or broke off."""
    return BatchServerAway(
        "The batch server cannot be reached, or broke off",
        expected="a server that sends the file without a long silence",
        received=received,
    )


def asks_for_login(received: str, login: str = "a login in ~/.netrc") -> BatchServerRefused:
    """The server wants to know who asks."""
    return BatchServerRefused(
        "The batch server asks for a login",
        expected=f"a server that anyone may read from; to write to it, {login}",
        received=received,
    )


def said(error: BaseException) -> str:
    """What a library says of an error, in one line."""
    return " ".join(f"{type(error).__name__} {error}".split())
