"""The aggregation rules, each one pure function with its paper, chosen by name.

Master, simulation and classroom call the same functions: there is no second copy of a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ValidationError

from federated.control import control_signature
from federated.errors import InvalidInput
from federated.plan import Plan, StrategyChoice
from federated.signature import Signature
from federated.strategies.best_k import BestKSettings, best_k
from federated.strategies.bulyan import BulyanSettings, bulyan
from federated.strategies.fedasync import FedAsyncSettings, fedasync
from federated.strategies.fedavg import fedavg
from federated.strategies.fedavgm import FedAvgMSettings, fedavgm
from federated.strategies.fedbuff import FedBuffSettings, fedbuff
from federated.strategies.fednova import FedNovaSettings, fednova
from federated.strategies.fedopt import (
    FedAdagradSettings,
    FedAdamSettings,
    fedadagrad,
    fedadam,
    fedyogi,
)
from federated.strategies.fedprox import fedprox
from federated.strategies.geometric_median import GeometricMedianSettings, geometric_median
from federated.strategies.krum import KrumSettings, krum
from federated.strategies.mean import mean
from federated.strategies.median import median
from federated.strategies.multi_krum import MultiKrumSettings, multi_krum
from federated.strategies.round import Contribution, Outcome, RoundFacts, Strategy
from federated.strategies.scaffold import ScaffoldSettings, scaffold
from federated.strategies.staleness import Staleness
from federated.strategies.trimmed_mean import TrimmedMeanSettings, trimmed_mean
from federated.values import Value


class NoSettings(Value):
    """The settings of a rule that has none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An aggregation rule.

    Attributes:
        aggregate: The pure function.
        settings: Its settings, with their defaults and ranges.
        controls: Where sites are given what the rule kept of the round before, and return what
            changed of it with their updates: its names, shapes and dtypes by those of the
            weights.
    """

    aggregate: Strategy
    settings: type[Value] = NoSettings
    controls: Callable[[Signature], Signature] | None = None


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
        "mean": Rule(mean),
        "best_k": Rule(best_k, BestKSettings),
        "fedavgm": Rule(fedavgm, FedAvgMSettings),
        "fedadam": Rule(fedadam, FedAdamSettings),
        "fedyogi": Rule(fedyogi, FedAdamSettings),
        "fedadagrad": Rule(fedadagrad, FedAdagradSettings),
        "fedprox": Rule(fedprox),
        "scaffold": Rule(scaffold, ScaffoldSettings, control_signature),
        "fednova": Rule(fednova, FedNovaSettings),
        "median": Rule(median),
        "trimmed_mean": Rule(trimmed_mean, TrimmedMeanSettings),
        "geometric_median": Rule(geometric_median, GeometricMedianSettings),
        "krum": Rule(krum, KrumSettings),
        "multi_krum": Rule(multi_krum, MultiKrumSettings),
        "bulyan": Rule(bulyan, BulyanSettings),
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
    "controls_of",
    "has_controls",
    "least_updates",
    "needed_updates",
    "of_fewer",
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


def controls_of(choice: StrategyChoice, signature: Signature) -> Signature | None:
    """The tensors that the strategy keeps for the sites, and needs under `extra/` of an update.

    Args:
        choice: The plan's choice.
        signature: That of the weights which travel.

    Returns:
        None where the strategy needs no such thing.

    Raises:
        InvalidInput: There is no such strategy.
    """
    controls = _rule(choice.name).controls
    return None if controls is None else controls(signature)


def has_controls(choice: StrategyChoice) -> bool:
    """Whether `controls_of` says more than None.

    Raises:
        InvalidInput: There is no such strategy.
    """
    return _rule(choice.name).controls is not None


def needed_updates(plan: Plan, nodes: int) -> int:
    """Accepted updates without which a round of so many nodes fails.

    That is its quorum, or more where the strategy needs more.

    Raises:
        InvalidInput: The plan's choice of a strategy could not be followed.
    """
    return max(plan.needed(nodes), least_updates(plan.strategy))


def least_updates(choice: StrategyChoice) -> int:
    """Updates without which the strategy cannot aggregate a round; at least 1.

    Raises:
        InvalidInput: The choice could not be followed.
    """
    settings = settings_of(choice)
    return settings.least if isinstance(settings, KrumSettings) else 1


def of_fewer(choice: StrategyChoice, number: int) -> StrategyChoice:
    """The choice for a part of a round's updates: to measure what the others have brought.

    A rule that is told how many updates may be hostile takes as many as so few bear, for
    whoever is left out may have been one of them. Of one or two updates no rule of that kind
    can tell which to take: it is their mean.

    Args:
        choice: The plan's, for a whole round.
        number: Updates of the part, at least 1.

    Raises:
        InvalidInput: The choice could not be followed.
    """
    settings = settings_of(choice)
    if not isinstance(settings, KrumSettings) or settings.least <= number:
        return choice
    fewer = settings.of_fewer(number)
    if fewer is None:
        return StrategyChoice(name="mean")
    return StrategyChoice(name=choice.name, settings=fewer.model_dump(exclude_none=True))


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
