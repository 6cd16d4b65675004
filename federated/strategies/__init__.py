"""The aggregation rules, one pure function a file, chosen by name.

Master, simulation and classroom call the same functions: there is no second copy of a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ValidationError

from federated.errors import InvalidInput
from federated.plan import StrategyChoice
from federated.strategies.fedasync import FedAsyncSettings, fedasync
from federated.strategies.fedavg import fedavg
from federated.strategies.fedbuff import FedBuffSettings, fedbuff
from federated.strategies.round import Contribution, Outcome, RoundFacts, Strategy
from federated.strategies.staleness import Staleness
from federated.values import Value


class NoSettings(Value):
    """The settings of a rule that has none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An aggregation rule.

    Attributes:
        aggregate: The pure function.
        settings: Its settings, with their defaults and ranges.
    """

    aggregate: Strategy
    settings: type[Value] = NoSettings


@dataclass(frozen=True, slots=True)
class Asynchronous:
    """What makes a run asynchronous.

    Attributes:
        buffer: Accepted updates that make a new version of the global model.
        max_staleness: Versions of age above which an update does not count.
    """

    buffer: int
    max_staleness: int


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "fedavg": Rule(fedavg),
        "fedasync": Rule(fedasync, FedAsyncSettings),
        "fedbuff": Rule(fedbuff, FedBuffSettings),
    }
)

__all__ = [
    "RULES",
    "Asynchronous",
    "Contribution",
    "Outcome",
    "RoundFacts",
    "Rule",
    "Strategy",
    "asynchronous",
    "settings_of",
    "strategy",
]


def strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        InvalidInput: There is none.
    """
    return _rule(name).aggregate


def settings_of(choice: StrategyChoice) -> Value:
    """A choice's settings, defaults filled in.

    Raises:
        InvalidInput: There is no such strategy, it does not know a setting, or a value is out
            of its range.
    """
    known = _rule(choice.name).settings
    if unknown := sorted(set(choice.settings) - set(known.model_fields)):
        raise InvalidInput(
            f"The strategy {choice.name} does not know every setting",
            expected=f"some of {sorted(known.model_fields)}"
            if known.model_fields
            else "no settings",
            received=unknown,
        )
    try:
        return known.model_validate(dict(choice.settings))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"The setting {first['loc'][0]} of the strategy {choice.name} cannot be used",
            expected=first["msg"],
            received=first["input"],
        ) from None


def asynchronous(choice: StrategyChoice) -> Asynchronous | None:
    """How a run under this choice is asynchronous; None where its rounds are synchronous.

    Raises:
        InvalidInput: The choice could not be followed.
    """
    settings = settings_of(choice)
    if not isinstance(settings, Staleness):
        return None
    buffer = settings.buffer if isinstance(settings, FedBuffSettings) else 1
    return Asynchronous(buffer=buffer, max_staleness=settings.max_staleness)


def _rule(name: str) -> Rule:
    if name not in RULES:
        raise InvalidInput(
            "There is no such strategy", expected=f"one of {sorted(RULES)}", received=name
        )
    return RULES[name]
