"""How large a data set, and what it unpacks to, may be."""

from __future__ import annotations

from dataclasses import dataclass

PIECE = 2**20
"""Bytes that are read or unpacked at a time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a data set that comes from a stranger.

    Attributes:
        entries: Files in one place.
        unpacked: Bytes that one packed file may unpack to.
        ratio: How many bytes may come of one, once more than `harmless` have come.
        harmless: Unpacked bytes up to which no ratio counts.
        table: Bytes of a table.
        in_memory: Bytes of what cannot be read in pieces.
        depth: Folders within folders.
    """

    entries: int = 1_000_000
    unpacked: int = 64 * 2**30
    ratio: int = 200
    harmless: int = 64 * 2**20
    table: int = 256 * 2**20
    in_memory: int = 512 * 2**20
    depth: int = 16

    @property
    def words(self) -> str:
        """What may be unpacked, for messages."""
        return (
            f"at most {self.unpacked / 2**30:g} GiB, and {self.ratio} times the packed size "
            f"beyond {self.harmless / 2**20:g} MiB"
        )

    def is_bomb(self, packed: int, unpacked: int) -> bool:
        """Whether `packed` bytes that become `unpacked` bytes are too much of a good thing."""
        suspicious = unpacked > self.harmless and unpacked > self.ratio * packed
        return suspicious or unpacked > self.unpacked


BOUNDS = Bounds()
