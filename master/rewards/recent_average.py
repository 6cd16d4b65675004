"""The recent average of credits: what a node earns a day, the last days counting most. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

HALF_LIFE_DAYS = 7.0
DAY = 86_400.0


def recent_average(credits: Iterable[tuple[float, float]], now: float) -> float:
    """Credits a day, each credit counting half as much for every week since it was granted.

    Whoever has always earned c credits a day has the average c; whoever stops loses half of it
    in a week. It is BOINC's rule for work that is credited at one moment.

    Args:
        credits: `(time, credits)` of each entry, times in seconds since the epoch.
        now: The time.

    References:
        D. P. Anderson, "BOINC: A Platform for Volunteer Computing", Journal of Grid Computing
        18, 2020: recent average credit. https://arxiv.org/abs/1903.01699
    """
    rate = math.log(2) / HALF_LIFE_DAYS
    # A clock that was set back does not make a credit count more than once.
    ages = ((max(0.0, now - at) / DAY, amount) for at, amount in credits)
    return sum(amount * rate * math.exp(-rate * days) for days, amount in ages)
