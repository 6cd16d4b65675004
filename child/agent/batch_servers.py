"""Which batch servers this site fetches from: any, or those that its operator has named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from federated.errors import NotAllowed
from imaging.remote.address import Address
from serving.server import is_loopback

PORTS = {"http": 80, "https": 443, "ftp": 21}


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a server or on this computer; equal places are equal however they are written.

    Attributes:
        scheme: `file` for a folder of this computer.
        host: Host or bucket; none for a folder.
        port: The scheme's own where none is given.
        segments: The parts of its path, decoded.
    """

    scheme: str
    host: str
    port: int | None
    segments: tuple[str, ...]

    def holds(self, other: Place) -> bool:
        """Whether `other` is this place or lies below it."""
        return (
            (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
            and self.segments == other.segments[: len(self.segments)]
            and not any(map(_leads_elsewhere, other.segments))
        )


@dataclass(frozen=True, slots=True)
class BatchServers:
    """What this site may fetch from.

    Attributes:
        named: The only places; none for every server.
        folders: Whether folders of this computer may be read though none is named.
    """

    named: tuple[Place, ...] = ()
    folders: bool = False

    def check(self, url: str) -> None:
        """Refuses a batch server that this site does not fetch from.

        Raises:
            NotAllowed: It does not; the sentence says what its operator can do.
            WrongBatchUrl: This is no address of one.
        """
        place = place_of(url)
        if self.names(url):
            return
        if self.named:
            raise _refusal("This site fetches batches only from servers that its operator named")
        if place.scheme == "file" and not self.folders:
            raise _refusal("This site reads batches from a folder only if its operator named it")

    def names(self, url: str) -> bool:
        """Whether this site's operator has named the place; only there its own keys are used.

        Raises:
            WrongBatchUrl: This is no address of one.
        """
        place = place_of(url)
        return any(one.holds(place) for one in self.named)


def batch_servers(named: Sequence[str], master: str) -> BatchServers:
    """What a site may fetch from.

    Args:
        named: Addresses that may be fetched from, and all that lies below them; none for any
            server, and for folders too where the master runs on this computer: one elsewhere
            is not to learn which folders there are.
        master: The master's address.

    Raises:
        WrongBatchUrl: One of them is no address of a batch server.
    """
    here = is_loopback(urlsplit(master).hostname or "")
    return BatchServers(tuple(map(place_of, named)), folders=here)


def place_of(url: str) -> Place:
    """The place that an address names.

    Raises:
        WrongBatchUrl: It names none.
    """
    address = Address.parse(url)
    path = address.path.removeprefix("/").rstrip("/")
    return Place(
        address.scheme,
        address.host.rstrip("."),
        address.port or PORTS.get(address.scheme),
        tuple(path.split("/")) if path else (),
    )


def _leads_elsewhere(segment: str) -> bool:
    return segment in ("", ".", "..") or "\\" in segment


def _refusal(problem: str) -> NotAllowed:
    return NotAllowed(
        f"{problem}; the operator can add this one with --batch-servers",
        code="batch_server_not_allowed",
    )
