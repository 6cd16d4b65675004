"""What is compared: the cases of a comparison, and what makes each of them unlike all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.processes.errors import WrongOption
from engines.processes.planning import checked_plan
from federated.plan import Plan, Sampling, StrategyChoice
from federated.study import Study
from federated.values import Sha256, Value, sha256_of

Kind = Literal["together", "alone", "federated"]
"""All pictures in one place; each site with its own only; the federation."""


class Case(Value):
    """One training that is to be measured, or one of each site.

    Attributes:
        kind: Which way.
        partition: How pictures are dealt out; None where they are all together.
        variation: What differs from the plan, in words; empty for the plan itself.
        fold: Which part of a cross-validation judges, from 1; None without one.
        study: The classification problem.
        plan: What is done; its seed also deals out the pictures.
        pictures: Hash of who holds which pictures, as what, and of the pictures that judge.
        weights: Hash of the file that the plan's model begins from; None where it names none.
    """

    kind: Kind
    partition: str | None
    variation: str
    fold: int | None
    study: Study
    plan: Plan
    pictures: Sha256
    weights: Sha256 | None = None

    @property
    def key(self) -> str:
        """The case's name: equal only for cases that come to the same."""
        return sha256_of(self.model_dump(mode="json"))

    @property
    def title(self) -> str:
        """The case in a few words."""
        strategy = self.plan.strategy.name if self.kind == "federated" else ""
        fold = f"fold {self.fold}" if self.fold else ""
        words = (
            self.kind,
            self.partition,
            strategy,
            self.variation,
            f"seed {self.plan.seed}",
            fold,
        )
        return ", ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Way:
    """A case before its pictures are dealt out.

    Attributes:
        kind: Which way.
        partition: How pictures are dealt out; None where they are all together.
        variation: What differs from the plan, in words.
        plan: What is done, with its seed.
    """

    kind: Kind
    partition: str | None
    variation: str
    plan: Plan


def ways(
    plan: Plan,
    variation: str,
    kinds: Sequence[Kind],
    strategies: Sequence[str],
    partitions: Sequence[str],
) -> Iterator[Way]:
    """The ways of one plan under one seed, those that need no partition first."""
    if "together" in kinds:
        yield Way("together", None, variation, in_one_go(plan))
    for partition in partitions:
        if "alone" in kinds:
            yield Way("alone", partition, variation, in_one_go(plan))
        if "federated" in kinds:
            for name in strategies:
                yield Way("federated", partition, variation, with_strategy(plan, name))


def check_all_take_part(plan: Plan, kinds: Sequence[Kind], children: int) -> None:
    """Refuses a plan whose sites see their pictures less often than who averages with nobody.

    Raises:
        WrongOption: It draws only some of the sites in a round.
    """
    drawn = plan.sampling.size(children)
    if drawn < children and set(kinds) != {"federated"}:
        raise WrongOption(
            "Federated sites would see their pictures less often than those they are compared "
            "with, for the plan draws only some of them in each round",
            expected=f"all {children} sites in each round (--set sampling.fraction=1), or "
            "nothing but --cases federated",
            received=f"{drawn} a round",
        )


def in_one_go(plan: Plan) -> Plan:
    """The plan for somebody who averages with nobody: all epochs of all rounds, in one round.

    So each picture is seen as often as in the federation. What only makes sense beside others
    goes: the strategy, the sampling of sites, FedProx's pull towards the global model.

    Raises:
        WrongOption: These are more epochs than a round may have.
    """
    training = plan.training.model_dump(mode="json")
    training |= {"epochs": plan.rounds * plan.training.epochs, "proximal": 0.0}
    changes = {"rounds": 1, "quorum": 1, "training": training}
    apart = {"strategy": StrategyChoice().model_dump(), "sampling": Sampling().model_dump()}
    return checked_plan(plan.model_dump(mode="json") | changes | apart)


def with_strategy(plan: Plan, name: str) -> Plan:
    """The plan under another aggregation rule, with that rule's own settings."""
    if name == plan.strategy.name:
        return plan
    choice = StrategyChoice(name=name, batch_norm=plan.strategy.batch_norm)
    return plan.model_copy(update={"strategy": choice})
