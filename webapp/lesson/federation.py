"""A federation round by round: state and settings in, the next state out."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from federated.errors import NotEnoughUpdates
from federated.partition import holdings, partitioner
from federated.signature import signature_of
from federated.strategies import RULES, Contribution, RoundFacts
from webapp.lesson.data import Dataset, dataset
from webapp.lesson.hostile import blurred, mislabelled, sent
from webapp.lesson.model import Weights, initial, loss_and_accuracy
from webapp.lesson.settings import ROUNDS, Lesson
from webapp.lesson.tensors import Tensors
from webapp.lesson.training import PROXIMAL, Descent, Trained, no_control, train

UNITS = {"points": 10, "digits": 20}
RATE = {"points": 0.3, "digits": 0.3}
BATCH = {"points": 12, "digits": 24}

Presence = Literal["returned", "away", "not_asked", "no_examples"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What does not change in the course of a federation.

    Attributes:
        data: The examples.
        parts: For each site the indices of its examples.
        held: Examples by site and class, int64 (sites, classes).
    """

    data: Dataset
    parts: list[np.ndarray]
    held: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where a federation stands.

    Attributes:
        round: Rounds done; 0 at first.
        weights: The global model.
        before: The global model that the round began from.
        returned: For each site that answered, what it sent.
        presence: What became of each site in the round.
        shares: The weight of each answer in the new model; may be empty.
        kept: What the strategy keeps for the next round.
        controls: For each site what it keeps itself (SCAFFOLD's cᵢ).
        nbytes: Bytes that have travelled so far, both ways.
        failed: Why the round made no new model; empty where it did.
        measured: Loss and accuracy of the global model on examples that no site has.
        site_measured: The same of each site's own model, before it was averaged.
    """

    round: int
    weights: Weights
    before: Weights
    measured: tuple[float, float]
    returned: Mapping[int, Weights] = field(default_factory=dict)
    presence: tuple[Presence, ...] = ()
    shares: Mapping[int, float] = field(default_factory=dict)
    kept: Mapping[str, np.ndarray] = field(default_factory=dict)
    controls: Mapping[int, Weights] = field(default_factory=dict)
    nbytes: int = 0
    failed: str = ""
    site_measured: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@functools.lru_cache(64)
def world(lesson: Lesson) -> World:
    """The sites of a lesson and who of them has what, by the product's own partition."""
    data = dataset(lesson.task)
    rng = np.random.default_rng([lesson.seed, 0])
    parts = partitioner(f"dirichlet:{lesson.alpha!r}")(data.y, lesson.sites, rng)
    return World(data, parts, holdings(data.y, parts, len(data.classes)))


def begin(lesson: Lesson) -> State:
    """Before the first round."""
    data = dataset(lesson.task)
    rng = np.random.default_rng([lesson.seed, 1])
    weights = initial(data.x.shape[1], UNITS[lesson.task], len(data.classes), rng)
    return State(0, weights, weights, loss_and_accuracy(weights, data.test_x, data.test_y))


def step(lesson: Lesson, state: State) -> State:
    """One round: ask, train, return, aggregate, measure."""
    here, number = world(lesson), state.round + 1
    presence = _presence(lesson, here, number)
    asked = [site for site, found in enumerate(presence) if found in ("returned", "away")]
    trained = {
        site: _trained(lesson, here, state, site, number)
        for site, found in enumerate(presence)
        if found == "returned"
    }
    returned = {site: _sent(lesson, state, site, number, own) for site, own in trained.items()}
    weights, shares, kept, failed = _aggregated(lesson, here, state, returned, trained, number)
    test = (here.data.test_x, here.data.test_y)
    nbytes = signature_of(state.weights).nbytes
    return State(
        round=number,
        weights=weights,
        before=state.weights,
        returned=returned,
        presence=presence,
        shares=shares,
        kept=kept,
        controls={**state.controls, **_controls(lesson, state, trained)},
        nbytes=state.nbytes + nbytes * (len(asked) + len(returned)),
        failed=failed,
        measured=loss_and_accuracy(weights, *test),
        site_measured={site: loss_and_accuracy(own, *test) for site, own in returned.items()},
    )


@functools.lru_cache(600)
def state_at(lesson: Lesson, number: int) -> State:
    """The state after so many rounds; what was computed once is remembered.

    Args:
        lesson: The settings.
        number: 0 to `ROUNDS`; more is taken for as many.
    """
    number = min(number, ROUNDS)
    return step(lesson, state_at(lesson, number - 1)) if number > 0 else begin(lesson)


def course(lesson: Lesson, number: int) -> list[State]:
    """The states from the beginning to after so many rounds."""
    return [state_at(lesson, done) for done in range(min(number, ROUNDS) + 1)]


def _presence(lesson: Lesson, here: World, number: int) -> tuple[Presence, ...]:
    rng = np.random.default_rng([lesson.seed, 2, number])
    wanted = max(1, round(lesson.fraction * lesson.sites))
    asked = set(rng.permutation(lesson.sites)[:wanted].tolist())
    answers = rng.random(lesson.sites) >= lesson.dropout

    def of(site: int) -> Presence:
        if not len(here.parts[site]):
            return "no_examples"
        if site not in asked:
            return "not_asked"
        return "returned" if answers[site] else "away"

    return tuple(of(site) for site in range(lesson.sites))


def hostile_site(lesson: Lesson) -> int | None:
    """The place of the site that means harm; None where none does."""
    return None if lesson.hostile == "none" else lesson.sites - 1


def _trained(lesson: Lesson, here: World, state: State, site: int, number: int) -> Trained:
    part, classes = here.parts[site], len(here.data.classes)
    y = here.data.y[part]
    if lesson.hostile == "labels" and site == hostile_site(lesson):
        y = mislabelled(y, classes)
    proximal = PROXIMAL if lesson.strategy == "fedprox" else 0.0
    task = lesson.task
    how = Descent(lesson.epochs, BATCH[task], RATE[task], proximal)
    rng = np.random.default_rng([lesson.seed, 3, number, site])
    everyones, own = _control_of(lesson, state, site)
    return train(state.weights, here.data.x[part], y, how, rng, everyones, own)


def _control_of(lesson: Lesson, state: State, site: int) -> tuple[Weights | None, Weights | None]:
    """SCAFFOLD's c and the site's own cᵢ; None where the strategy keeps none."""
    if RULES[lesson.strategy].controls is None:
        return None, None
    none = no_control(state.weights)
    everyones = {name: state.kept[name] for name in none} if state.kept else none
    return everyones, state.controls.get(site, none)


def _controls(lesson: Lesson, state: State, trained: Mapping[int, Trained]) -> dict[int, Weights]:
    found: dict[int, Weights] = {}
    for site, own in trained.items():
        _, before = _control_of(lesson, state, site)
        if before is not None:
            found[site] = {name: before[name] + change for name, change in own.control.items()}
    return found


def _sent(lesson: Lesson, state: State, site: int, number: int, own: Trained) -> Weights:
    kind = lesson.hostile if site == hostile_site(lesson) else "none"
    rng = np.random.default_rng([lesson.seed, 4, number, site])
    return blurred(sent(kind, state.weights, own.weights), lesson.noise, rng)


def _aggregated(
    lesson: Lesson,
    here: World,
    state: State,
    returned: Mapping[int, Weights],
    trained: Mapping[int, Trained],
    number: int,
) -> tuple[Weights, dict[int, float], Mapping[str, np.ndarray], str]:
    """The new model, shares and what the strategy keeps; the old ones and why where it failed."""
    contributions = tuple(
        Contribution(
            node=node_name(site),
            num_examples=len(here.parts[site]),
            num_steps=trained[site].steps,
            weights=Tensors(own),
            extra=Tensors(trained[site].control) if trained[site].control else None,
        )
        for site, own in returned.items()
    )
    facts = RoundFacts(
        number=number,
        signature=signature_of(state.weights),
        previous=Tensors(state.weights),
        contributions=contributions,
        settings=lesson.rule_settings,
        state=state.kept,
        nodes=lesson.sites,
    )
    try:
        outcome = RULES[lesson.strategy].aggregate(facts)
    except NotEnoughUpdates as error:
        return state.weights, {}, state.kept, error.detail
    shares = {site: outcome.shares.get(node_name(site), 0.0) for site in returned}
    return outcome.weights, shares, outcome.state, ""


def node_name(site: int) -> str:
    """The name under which a strategy knows a site; in order of place."""
    return f"site-{site + 1:02d}"
