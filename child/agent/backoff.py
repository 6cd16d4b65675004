"""How long to wait before another try."""

from __future__ import annotations

import random


class Backoff:
    """Delays that double up to a limit, each shortened by chance so that sites do not march.

    Args:
        rng: Source of chance.
        first: Seconds of the first delay, at most.
        longest: Seconds of any delay, at most.
    """

    def __init__(self, rng: random.Random, first: float = 0.2, longest: float = 30.0) -> None:
        self._rng = rng
        self._first = first
        self._longest = longest
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait now."""
        # The exponent is bounded: a master may be away for months.
        ceiling = min(self._longest, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return ceiling * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begins anew, after a try that went well."""
        self._tries = 0
