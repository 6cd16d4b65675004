"""What a headless training earned its sites, once that is worked out."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from engines.processes.client import Master
from engines.processes.progress import say
from federated.views import Rewards, RoundCredits

POLL_SECONDS = 0.25

COLUMNS = ("round", "policy", "site", "examples", "contribution", "credits")
SUM_COLUMNS = ("site", "rounds", "credits in all")


def await_credits(master: Master, run: str) -> list[RoundCredits]:
    """How the credits of a run's rounds arose, first round first; waits until none is pending.

    The master bounds how long that takes, by the plan.
    """
    said = False
    while True:
        rounds = Rewards.model_validate(master.get(f"/runs/{run}/rewards")).rounds
        if all(one.state != "pending" for one in rounds):
            return sorted(rounds, key=lambda one: one.round)
        if not said:
            say("Measuring what each update was worth.")
            said = True
        time.sleep(POLL_SECONDS)


def as_document(rounds: Sequence[RoundCredits]) -> list[dict[str, Any]]:
    """How credits arose, as JSON."""
    return [one.model_dump(mode="json", exclude={"run"}) for one in rounds]


def rows_of(rounds: Sequence[RoundCredits]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns' names, and a row for each update."""
    rows: list[tuple[str, ...]] = [
        (
            str(one.round),
            one.policy,
            update.node_name,
            str(update.num_examples),
            "–" if update.contribution is None else f"{update.contribution:+.4f}",
            f"{update.credits:.3f}",
        )
        for one in rounds
        for update in one.updates
    ]
    return COLUMNS, rows


def sums_of(rounds: Sequence[RoundCredits]) -> list[tuple[str, ...]]:
    """A row for each site with what it was granted in all, the most first."""
    granted: dict[str, list[tuple[int, float]]] = {}
    for one in rounds:
        if one.state == "granted":
            for update in one.updates:
                granted.setdefault(update.node_name, []).append((one.round, update.credits))
    sums = {site: math.fsum(amount for _, amount in found) for site, found in granted.items()}
    return [
        (site, str(len({number for number, _ in granted[site]})), f"{sums[site]:.3f}")
        for site in sorted(sums, key=lambda site: (-sums[site], site))
    ]


def reasons(rounds: Sequence[RoundCredits]) -> list[str]:
    """Why rounds handed out no credits, each reason once."""
    found: dict[str, list[int]] = {}
    for one in rounds:
        if one.reason:
            found.setdefault(one.reason, []).append(one.round)
    return [
        f"No credits in round{'s' if len(numbers) > 1 else ''} "
        f"{', '.join(map(str, numbers))}: {reason}"
        for reason, numbers in found.items()
    ]
