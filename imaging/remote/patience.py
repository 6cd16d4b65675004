"""How long a server is waited for, and how often it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from imaging.errors import BatchServerAway

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one transfer may take.

    Attributes:
        silence_seconds: Longest time without a byte.
        due: When it must have ended, by the clock.
        clock: Seconds from any start.
    """

    silence_seconds: float
    due: float
    clock: Callable[[], float]

    @property
    def seconds_left(self) -> float:
        """Seconds until the transfer must have ended, above 0.

        Raises:
            BatchServerAway: There are none.
        """
        left = self.due - self.clock()
        if left <= 0:
            raise BatchServerAway(
                "The batch server is too slow", expected="the file before the time is up"
            )
        return left

    def timely(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """`pieces`, as long as there is time: one byte now and then is no silence.

        Raises:
            BatchServerAway: The time is up.
        """
        for piece in pieces:
            _ = self.seconds_left
            yield piece
        # A connection that was cut when the time was up looks as if the file had ended.
        _ = self.seconds_left


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for, and how often it is asked.

    Attributes:
        silence_seconds: Longest time without a byte.
        total_seconds: Longest time of one call, with all its tries.
        pauses: Seconds before each further try; one more try than there are pauses.
        sleep: Waits that many seconds; it may raise, to end the call.
        clock: Seconds from any start.
    """

    silence_seconds: float = 30.0
    total_seconds: float = 3600.0
    pauses: tuple[float, ...] = (1.0, 4.0, 15.0)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def persist(self, attempt: Callable[[TimeLimits], Result]) -> Result:
        """What `attempt` comes to, made again where the server was away and time is left.

        Raises:
            BatchServerAway: Every attempt raised it, or the time is up.
        """
        limits = TimeLimits(self.silence_seconds, self.clock() + self.total_seconds, self.clock)
        for pause in self.pauses:
            try:
                return attempt(limits)
            except BatchServerAway:
                if self.clock() + pause >= limits.due:
                    raise
            self.sleep(pause)
        return attempt(limits)
