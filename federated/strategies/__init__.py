"""The aggregation rules, one pure function a file, chosen by name.

Master, simulation and classroom call the same functions: there is no second copy of a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from federated.errors import InvalidInput
from federated.plan import StrategyChoice
from federated.strategies.fedavg import fedavg
from federated.strategies.round import Contribution, Outcome, RoundFacts, Strategy

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({"fedavg": fedavg})

SETTINGS: Mapping[str, frozenset[str]] = MappingProxyType({"fedavg": frozenset()})
"""Names of the settings that each strategy knows."""

__all__ = [
    "STRATEGIES",
    "Contribution",
    "Outcome",
    "RoundFacts",
    "Strategy",
    "check_strategy",
    "strategy",
]


def strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        InvalidInput: There is none.
    """
    if name not in STRATEGIES:
        raise InvalidInput(
            "There is no such strategy", expected=f"one of {sorted(STRATEGIES)}", received=name
        )
    return STRATEGIES[name]


def check_strategy(choice: StrategyChoice) -> None:
    """Refuses a choice that could not be followed: no setting is ever silently ignored.

    Raises:
        InvalidInput: There is no such strategy, it does not know a setting, or what is asked
            for is not available yet.
    """
    strategy(choice.name)
    known = SETTINGS[choice.name]
    if unknown := sorted(set(choice.settings) - known):
        raise InvalidInput(
            f"The strategy {choice.name} does not know every setting",
            expected=f"some of {sorted(known)}" if known else "no settings",
            received=unknown,
        )
    if choice.batch_norm == "local":
        raise InvalidInput(
            "Keeping BatchNorm's statistics at each site is not available yet",
            expected='strategy.batch_norm = "average"',
            received="local",
            code="not_available",
        )
