"""The aggregation rules, one pure function a file, chosen by name.

Master, simulation and classroom call the same functions: there is no second copy of a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from federated.errors import InvalidInput
from federated.strategies.fedavg import fedavg
from federated.strategies.round import Contribution, Outcome, RoundFacts, Strategy

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({"fedavg": fedavg})

__all__ = ["STRATEGIES", "Contribution", "Outcome", "RoundFacts", "Strategy", "strategy"]


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
