"""Where the archive may send us for a file: to servers that everybody can reach, encrypted.

Its answers come from outside, and what asks stands in a clinic's network. A name that is one
server's when it is looked at and another's a moment later stays possible, but there its
certificate would be wrong.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from imaging.errors import ArchiveRefused

Resolve = Callable[[str], Sequence[str]]
"""The addresses, as numbers, that a host's name stands for; none where nobody knows it."""

# Nothing in which two readers of addresses may see two hosts.
_FORM = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?", re.I)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.I)


def resolve(host: str) -> Sequence[str]:
    """What this computer takes a host's name for."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        # The connection will fail and say so, or goes through a proxy that knows the name.
        return ()
    return [str(address[0]) for *_, address in found]


def check_address(address: str, archive: str, resolve: Resolve = resolve) -> None:
    """Refuses an address that an archive may not send us to.

    It has to be encrypted, unless the archive is not either. It may be no number, and no name of
    a computer in a network that is not everybody's, unless the archive is reached so too.

    Args:
        address: Of a file, as the archive says it.
        archive: The archive's own, which the user chose.
        resolve: Knows what names stand for.

    Raises:
        ArchiveRefused: It is such an address, or none.
    """
    theirs, own = _split(address), urlsplit(archive)
    host, home = theirs.hostname or "", own.hostname or ""
    if theirs.scheme != "https" and own.scheme != "http":
        raise ArchiveRefused("The file's address is not encrypted", expected="https")
    if _is_inner(host, resolve) and not _is_inner(home, resolve):
        raise ArchiveRefused(
            "The file's address is in a network of its own",
            expected="a server that everybody can reach",
            received=host,
        )
    if _is_number(host) and not (_is_number(home) or _is_inner(home, resolve)):
        raise ArchiveRefused("The file's address is a number", expected="a name", received=host)


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        if _FORM.fullmatch(address) and parts.port != 0:
            return parts
    except ValueError:
        # A port beyond 65535, or brackets around something else than an address.
        pass
    raise ArchiveRefused("The file's address has another form", expected="https://HOST/FILE")


def _is_number(host: str) -> bool:
    """Whether it is no name; `2130706433` and `0x7f.1` are 127.0.0.1 to many."""
    return ":" in host or bool(_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]))


def _is_inner(host: str, resolve: Resolve) -> bool:
    """Whether it stands for this computer, a private or link-local network, or for many."""
    return any(_is_inner_number(found) for found in resolve(host))


def _is_inner_number(text: str) -> bool:
    number = ipaddress.ip_address(text)
    number = getattr(number, "ipv4_mapped", None) or number
    return not number.is_global or number.is_multicast
