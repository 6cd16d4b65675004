"""What makes a plan impossible, as sentences: every one of them. Pure.

An impossible plan is one that no patience helps: whoever wrote it must change it, or first
bring in more sites or other batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from federated.errors import ImpossiblePlan, InvalidInput
from federated.plan import AssignedBatches, ModelChoice, Plan, RandomSets, StrategyChoice
from federated.search import DROPOUT, Search
from federated.strategies import (
    RULES,
    Asynchronous,
    asynchronous,
    has_controls,
    least_updates,
    needed_updates,
)
from federated.study import Study
from imaging.batch_index import BatchIndex
from models.catalogue import catalogue, objections_to

LONGEST_LIST = 8
"""Names that a sentence lists before it only counts them."""


def mode_of(plan: Plan) -> Asynchronous | None:
    """How a run under the plan is asynchronous; None also where its strategy is at fault."""
    try:
        return asynchronous(plan.strategy)
    except InvalidInput:
        return None


def drawn_of(plan: Plan, sites: int) -> int:
    """How many of so many sites can work in one round."""
    # An asynchronous run draws who works at the same time; in the end everybody may.
    return plan.sampling.size(sites) if mode_of(plan) is None else sites


def needed_of(plan: Plan, sites: int) -> int:
    """Updates that a round of so many sites needs; also where its strategy is at fault."""
    try:
        return needed_updates(plan, sites)
    except InvalidInput:
        return plan.needed(sites)


def faults_of_choices(plan: Plan, study: Study) -> Iterator[str]:
    """What the zoo, the strategies and the plan's own parts have against one another."""
    yield from _faults_of_model(plan.model, study)
    yield from _faults_of_strategy(plan.strategy)
    yield from _faults_of_rule(plan)
    if plan.search is not None:
        yield from _faults_of_search(plan, plan.search, study)
    mode = mode_of(plan)
    yield from _faults_of_timing(plan) if mode is None else _faults_of_mode(plan, mode)


def check_plan(plan: Plan, study: Study, sites: int = 0) -> None:
    """Checks what can be said before anything runs.

    Args:
        plan: The plan; it may come from a stranger.
        study: What it is to be run on.
        sites: How many sites it is to be run with; 0 where that is open.

    Raises:
        ImpossiblePlan: Something cannot be done as the plan has it.
    """
    faults = tuple(faults_of_choices(plan, study))
    if sites:
        faults += tuple(faults_of_numbers(plan, sites))
    if faults:
        raise ImpossiblePlan(faults)


def faults_of_numbers(plan: Plan, sites: int, batches: int | None = None) -> Iterator[str]:
    """What so many sites, and so many batches to be assigned, are too few for.

    Args:
        plan: The plan.
        sites: Sites that could ever take part, at least 1.
        batches: Batches that there are; None where none are assigned.
    """
    mode = mode_of(plan)
    if plan.sampling.minimum > sites:
        yield f"Each round draws at least {plan.sampling.minimum} sites, but {_there(sites)}"
    if isinstance(plan.quorum, int):
        yield from _faults_of_quorum(plan, plan.quorum, sites)
        if batches is not None and plan.quorum > batches:
            yield f"A round needs {plan.quorum} updates, but {_given_once(batches)}"
    if mode is None:
        yield from _faults_of_least(plan, sites, batches)
        return
    needs = f"A new version is made of {mode.buffer} updates (buffer)"
    if mode.buffer > sites:
        yield f"{needs}, and each site sends one for a version, but {_there(sites)}"
    if batches is not None and mode.buffer > batches:
        yield f"{needs}, but {_given_once(batches)}"


def faults_without_audit(plan: Plan) -> Iterator[str]:
    """What cannot be done in a study of which the master has no audit pictures."""
    if plan.strategy.name == "best_k":
        yield (
            "The strategy 'best_k' goes by the accuracy that the master measures on its audit "
            "pictures, and the study has none"
        )
    if plan.search is not None:
        yield (
            "A search for hyperparameters goes by the accuracy that the master measures on its "
            "audit pictures, and the study has none"
        )


def faults_of_batches(plan: Plan, study: Study, index: BatchIndex) -> Iterator[str]:
    """What public pictures lack for a study's plan."""
    if not index.train_total:
        yield "The batches hold no picture to train on"
        return
    here = {study.spelling(name) for name, count in index.train_counts.items() if count}
    if missing := [name for name in study.classes if name not in here]:
        yield f"No batch has a training picture of {_listed(missing)}"
    if strange := [name for name in index.classes if study.spelling(name) is None]:
        yield (
            f"The batches name classes that the study lacks: {_listed(strange)}; "
            f"it has {_listed(study.classes)}"
        )
    if isinstance(plan.data, AssignedBatches) and (
        bare := sum(not entry.train_total for entry in index.batches)
    ):
        yield f"{bare} of the {len(index.batches)} batches hold no picture to train on"
    if isinstance(plan.data, RandomSets) and plan.data.images > index.train_total:
        yield (
            f"Each site draws {plan.data.images} training pictures, but the batches hold "
            f"only {index.train_total}"
        )


def _faults_of_model(choice: ModelChoice, study: Study) -> Iterator[str]:
    if choice.name not in catalogue():
        yield f"There is no such model as {choice.name!r}: there are {_listed(catalogue())}"
        return
    for objection in objections_to(choice, study):
        yield f"The model {choice.name!r} cannot be built: {objection}"


def _faults_of_strategy(choice: StrategyChoice) -> Iterator[str]:
    rule = RULES.get(choice.name)
    if rule is None:
        yield f"There is no such strategy as {choice.name!r}: there are {', '.join(sorted(RULES))}"
    else:
        try:
            rule.settings.model_validate(dict(choice.settings))
        except ValidationError as error:
            known = f"it has {_listed(sorted(rule.settings.model_fields)) or 'none'}"
            for fault in error.errors():
                setting = f"setting {'.'.join(map(str, fault['loc']))!r}"
                if fault["type"] == "extra_forbidden":
                    yield f"The strategy {choice.name!r} has no {setting}; {known}"
                else:
                    said = fault["msg"].replace("Input should", "it should")
                    yield (
                        f"The {setting} of the strategy {choice.name!r} cannot be "
                        f"{fault['input']!r}: {said}"
                    )


def _faults_of_rule(plan: Plan) -> Iterator[str]:
    """What a strategy has against how the plan trains."""
    if plan.strategy.name == "fedprox" and plan.training.proximal == 0:
        yield (
            "The strategy 'fedprox' is FedAvg where no site is held to the global weights: "
            "proximal, of the training, is 0"
        )
    if plan.strategy.name == "fednova" and plan.training.epochs == 0:
        yield "The strategy 'fednova' divides each update by its steps: epochs is 0"
    if plan.strategy.name in RULES and has_controls(plan.strategy):
        yield from _faults_of_controls(plan)


def _faults_of_controls(plan: Plan) -> Iterator[str]:
    """What a strategy with control variates has against a plan."""
    named = f"The strategy {plan.strategy.name!r}"
    if plan.training.epochs == 0:
        yield f"{named} learns from a site's steps how its pictures pull: epochs is 0"
    if plan.data.kind != "own":
        yield (
            f"{named} remembers how a site's own pictures pull; the public ones that a site gets "
            "are others in each round"
        )
    if plan.search is not None and plan.search.space.optimizer:
        yield f"{named} compares a site's steps over the rounds: no search can change the optimiser"


def _faults_of_search(plan: Plan, search: Search, study: Study) -> Iterator[str]:
    """What cannot be searched."""
    if mode_of(plan) is not None:
        yield (
            "A search compares the trainings of one round, which began alike; it cannot be "
            "asynchronous"
        )
    limits, entry = search.space.dropout, catalogue().get(plan.model.name)
    if limits is None or entry is None:
        return
    setting = next((one for one in entry.settings if one.name == DROPOUT), None)
    if setting is None:
        yield f"The model {plan.model.name!r} has no dropout that could be searched"
    elif not all(map(setting.allows, limits)):
        yield (
            f"The dropout of the model {plan.model.name!r} must be {setting.allowed}; the search "
            f"goes from {limits[0]:g} to {limits[1]:g}"
        )


def _faults_of_timing(plan: Plan) -> Iterator[str]:
    if plan.deadline_factor is not None and plan.training.epochs == 0:
        yield (
            "A deadline cannot follow from the sites' speed (deadline_factor) where nothing is "
            "trained: epochs is 0"
        )


def _faults_of_mode(plan: Plan, mode: Asynchronous) -> Iterator[str]:
    """What cannot be asked of an asynchronous run."""
    if plan.training.epochs == 0:
        yield "An asynchronous run must train: epochs is 0"
    if plan.trigger.kind == "upload":
        yield "A run that waits for pictures goes in rounds; it cannot be asynchronous"
    if plan.close == "quorum":
        yield (
            "An asynchronous run makes a new version as soon as its buffer is full; it cannot "
            "close at the quorum"
        )
    if plan.deadline_factor is not None:
        yield (
            "An asynchronous run waits for no slowest site: its deadline cannot follow from the "
            "sites' speed (deadline_factor)"
        )
    if isinstance(plan.quorum, int) and plan.quorum > mode.buffer:
        yield (
            f"A quorum of {plan.quorum} is never reached: a new version is made of "
            f"{mode.buffer} updates (buffer)"
        )


def _faults_of_quorum(plan: Plan, quorum: int, sites: int) -> Iterator[str]:
    drawn = drawn_of(plan, sites)
    if quorum > sites:
        yield f"A round needs {quorum} updates (quorum), but {_there(sites)}"
    elif quorum > drawn:
        yield (
            f"A round needs {quorum} updates (quorum), but only {drawn} of the {sites} "
            f"approved sites are drawn for each (sampling)"
        )


def _faults_of_least(plan: Plan, sites: int, batches: int | None) -> Iterator[str]:
    """What a strategy that needs several updates has against so few."""
    try:
        least = least_updates(plan.strategy)
    except InvalidInput:
        return
    drawn = drawn_of(plan, sites)
    needs = f"The strategy {plan.strategy.name!r}, as it is set, needs {least} updates a round"
    if least > sites:
        yield f"{needs}, but {_there(sites)}"
    elif least > drawn:
        yield f"{needs}, but only {drawn} of the {sites} approved sites are drawn (sampling)"
    if batches is not None and least > batches:
        yield f"{needs}, but {_given_once(batches)}"


def _there(sites: int) -> str:
    return "only 1 site is approved" if sites == 1 else f"only {sites} sites are approved"


def _given_once(batches: int) -> str:
    there = "there is only 1 batch" if batches == 1 else f"there are only {batches} batches"
    return f"{there}, and each is given out once a round"


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - LONGEST_LIST
    if more > 0:
        shown[LONGEST_LIST:] = [f"{more} more"]
    return ", ".join(shown)
