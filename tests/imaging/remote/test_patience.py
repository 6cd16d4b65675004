"""How long a server is waited for, told by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imaging.errors import BatchServerAway, BatchServerRefused
from imaging.remote import Patience, TimeLimits


class Clock:
    """Goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    def patience(self, total: float, *pauses: float) -> Patience:
        return Patience(7.0, total, pauses, self.sleep, lambda: self.now)


class Attempts:
    """Fails with each of these in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.limits = list(errors), list[TimeLimits]()

    def __call__(self, limits: TimeLimits) -> str:
        self.limits.append(limits)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


AWAY = BatchServerAway("It is away")


def test_an_attempt_is_made_again_after_each_pause() -> None:
    clock, attempts = Clock(), Attempts(AWAY, AWAY)
    assert clock.patience(60, 1, 4, 15).persist(attempts) == "done"
    assert clock.slept == [1, 4]
    assert [limits.silence_seconds for limits in attempts.limits] == [7.0] * 3


def test_the_last_failure_is_told() -> None:
    clock, attempts = Clock(), Attempts(AWAY, BatchServerAway("It is still away"))
    with pytest.raises(BatchServerAway, match="still"):
        clock.patience(60, 2).persist(attempts)
    assert clock.slept == [2]


def test_only_a_server_that_is_away_is_asked_again() -> None:
    clock, attempts = Clock(), Attempts(BatchServerRefused("No"))
    with pytest.raises(BatchServerRefused):
        clock.patience(60, 1, 1).persist(attempts)
    assert clock.slept == []


def test_no_pause_goes_beyond_the_time() -> None:
    clock, attempts = Clock(), Attempts(AWAY, AWAY, AWAY)
    with pytest.raises(BatchServerAway):
        clock.patience(9, 5, 5, 5).persist(attempts)
    assert clock.slept == [5]


def test_pieces_come_only_while_there_is_time() -> None:
    clock = Clock()

    def pieces() -> Iterator[bytes]:
        while True:
            clock.sleep(3)
            yield b"x"

    limits = TimeLimits(7.0, clock.now + 10, lambda: clock.now)
    found = list[bytes]()
    with pytest.raises(BatchServerAway, match="too slow"):
        found.extend(limits.timely(pieces()))
    assert clock.slept == [3, 3, 3, 3]


def test_an_end_after_the_time_may_be_no_end() -> None:
    clock = Clock()

    def cut() -> Iterator[bytes]:
        yield b"x"
        clock.sleep(10)

    with pytest.raises(BatchServerAway):
        list(TimeLimits(7.0, clock.now + 10, lambda: clock.now).timely(cut()))
