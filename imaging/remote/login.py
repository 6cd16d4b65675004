"""A login for a server that is written to. What is public is read without one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from netrc import NetrcParseError, netrc


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password."""

    name: str
    password: str = field(repr=False)


def own_login(host: str) -> Login | None:
    """What the user's `~/.netrc` (or the file in `NETRC`) has for `host`, as for ftp and curl."""
    try:
        found = netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, NetrcParseError):
        return None
    return Login(found[0], found[2]) if found and found[0] and found[2] else None
