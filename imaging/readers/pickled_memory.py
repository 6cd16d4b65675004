"""What a pickle comes to in memory, counted before it is made."""

from __future__ import annotations

from imaging.readers.bounds import Bounds
from imaging.readers.errors import OversizedSource


class PickleMemory:
    """Counts what one pickle has in memory; everything that does not stay in its file counts.

    What is made anew each time counts each time: with six bytes of a pickle a text of a megabyte
    that was read long ago becomes another megabyte.

    Args:
        bounds: How much that may be.
    """

    def __init__(self, bounds: Bounds) -> None:
        """Nothing is in memory yet."""
        self.bounds = bounds
        self._kept = 0

    def keep(self, length: int) -> None:
        """Counts so many bytes more, which are about to be made.

        Raises:
            OversizedSource: That is too much.
        """
        self._kept += length
        if self._kept > self.bounds.in_memory:
            raise OversizedSource(
                "This pickle holds too much that cannot be left in its file",
                expected=f"at most {self.bounds.in_memory / 2**20:g} MiB in memory "
                "(pickle with protocol 5)",
                received="more",
            )
