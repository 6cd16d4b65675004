"""Each thing that makes a plan impossible, as a table."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from federated.errors import ImpossiblePlan
from federated.plan import Plan
from federated.study import Study
from imaging.batch_index import BatchEntry, BatchIndex
from master.plan_faults import (
    LONGEST_LIST,
    check_plan,
    faults_of_batches,
    faults_of_choices,
    faults_of_numbers,
    mode_of,
)
from master.plans import ready_made_plans
from master.settings import READY_MADE_PLANS

STUDY = Study(id="skin", name="Skin", classes=("benign", "malignant"), size=32)
BUFFERED = {"name": "fedbuff", "settings": {"buffer": 4}}
BATCHES = {"kind": "batches", "url": "/srv/skin"}
RANDOM = {"kind": "random", "url": "/srv/skin", "images": 21}


def plan_of(**facts: Any) -> Plan:
    return Plan.model_validate(facts)


def index(*counts: tuple[int, int], classes: tuple[str, ...] = STUDY.classes) -> BatchIndex:
    """Batches with so many training pictures of the first two classes."""
    return BatchIndex(
        classes=classes,
        batches=tuple(
            BatchEntry(
                sha256=hashlib.sha256(f"{number}".encode()).hexdigest(),
                bytes=100,
                train=dict(zip(classes, count, strict=False)),
                validation={classes[0]: 1},
            )
            for number, count in enumerate(counts)
        ),
    )


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        ({}, []),
        ({"strategy": BUFFERED}, []),
        ({"training": {"epochs": 0}}, []),
        ({"close": "quorum", "deadline_factor": 2.0, "quorum": 0.75}, []),
        (
            {"model": {"name": "vgg"}},
            ["There is no such model as 'vgg': there are brain_cnn, cnn10"],
        ),
        (
            {"model": {"settings": {"width": -1, "depth": 3}}},
            ["The model 'cnn10' cannot be built: 'width'", "cannot be built: 'depth' is no"],
        ),
        (
            {"strategy": {"name": "fedwrong"}},
            ["There is no such strategy as 'fedwrong': there are best_k, bulyan, fedadagrad"],
        ),
        (
            {"strategy": {"settings": {"mu": 0.5}}},
            ["The strategy 'fedavg' has no setting 'mu'; it has none"],
        ),
        (
            {"strategy": {"name": "fedbuff", "settings": {"buffer": 0, "mu": 1, "a": "x"}}},
            [
                "The setting 'a' of the strategy 'fedbuff' cannot be 'x': it should be a valid",
                "The setting 'buffer' of the strategy 'fedbuff' cannot be 0: it should be greater",
                "The strategy 'fedbuff' has no setting 'mu'; it has a, b, buffer, max_staleness",
            ],
        ),
        ({"strategy": {"batch_norm": "local"}}, []),
        ({"strategy": {"name": "fedprox"}}, ["FedAvg where no site is held to the global weights"]),
        ({"strategy": {"name": "fedprox"}, "training": {"proximal": 0.1}}, []),
        (
            {"strategy": {"name": "fednova"}, "training": {"epochs": 0}},
            ["divides each update by its steps: epochs is 0"],
        ),
        (
            {"strategy": {"name": "scaffold"}, "training": {"epochs": 0}},
            ["learns from a site's steps how its pictures pull: epochs is 0"],
        ),
        (
            {
                "strategy": {"name": "scaffold"},
                "data": {"kind": "random", "url": "/srv/batches", "images": 5},
            },
            ["'scaffold' remembers how a site's own pictures pull; the public ones"],
        ),
        (
            {
                "strategy": {"name": "scaffold"},
                "search": {"space": {"optimizer": ["sgd", "adam"]}},
            },
            ["compares a site's steps over the rounds: no search can change the optimiser"],
        ),
        ({"strategy": {"name": "scaffold"}}, []),
        (
            {"strategy": {"name": "trimmed_mean", "settings": {"beta": 0.5}}},
            ["The setting 'beta' of the strategy 'trimmed_mean' cannot be 0.5: it should be less"],
        ),
        (
            {"deadline_factor": 2.0, "training": {"epochs": 0}},
            ["A deadline cannot follow from the sites' speed (deadline_factor)"],
        ),
        (
            {"strategy": BUFFERED, "training": {"epochs": 0}},
            ["An asynchronous run must train: epochs is 0"],
        ),
        (
            {"strategy": BUFFERED, "trigger": {"kind": "upload"}},
            ["A run that waits for pictures goes in rounds"],
        ),
        ({"strategy": BUFFERED, "close": "quorum"}, ["it cannot close at the quorum"]),
        ({"strategy": BUFFERED, "deadline_factor": 2.0}, ["waits for no slowest site"]),
        (
            {"strategy": BUFFERED, "quorum": 5},
            ["A quorum of 5 is never reached: a new version is made of 4 updates"],
        ),
        ({"strategy": BUFFERED, "quorum": 4}, []),
        ({"strategy": {"name": "fedasync"}, "quorum": 2}, ["never reached"]),
        ({"strategy": BUFFERED, "quorum": 0.9}, []),
    ],
)
def test_what_the_parts_of_a_plan_have_against_one_another(
    facts: dict[str, Any], reasons: list[str]
) -> None:
    faults = list(faults_of_choices(plan_of(**facts), STUDY))
    assert len(faults) == len(reasons), faults
    for fault, reason in zip(faults, reasons, strict=True):
        assert reason in fault


@pytest.mark.parametrize(
    ("facts", "sites", "batches", "reasons"),
    [
        ({}, 1, None, []),
        ({"quorum": 3}, 3, None, []),
        ({"quorum": 3}, 2, None, ["needs 3 updates (quorum), but only 2 sites are approved"]),
        ({"quorum": 2}, 1, None, ["only 1 site is approved"]),
        ({"quorum": 1.0}, 2, None, []),
        ({"strategy": {"name": "krum"}}, 5, None, []),
        (
            {"strategy": {"name": "krum"}},
            4,
            None,
            ["The strategy 'krum', as it is set, needs 5 updates a round, but only 4 sites are"],
        ),
        ({"strategy": {"name": "bulyan", "settings": {"f": 2}}}, 11, None, []),
        ({"strategy": {"name": "bulyan", "settings": {"f": 2}}}, 10, None, ["needs 11 updates"]),
        (
            {"strategy": {"name": "krum"}, "sampling": {"fraction": 0.5}},
            8,
            None,
            ["needs 5 updates a round, but only 4 of the 8 approved sites are drawn (sampling)"],
        ),
        (
            {"strategy": {"name": "multi_krum", "settings": {"m": 6}}, "data": BATCHES},
            7,
            6,
            ["needs 7 updates a round, but there are only 6 batches"],
        ),
        ({"sampling": {"minimum": 4}}, 4, None, []),
        (
            {"sampling": {"minimum": 4}},
            3,
            None,
            ["Each round draws at least 4 sites, but only 3 sites are approved"],
        ),
        ({"quorum": 3, "sampling": {"fraction": 0.5}}, 5, None, []),
        (
            {"quorum": 4, "sampling": {"fraction": 0.5}},
            5,
            None,
            ["needs 4 updates (quorum), but only 3 of the 5 approved sites are drawn"],
        ),
        ({"quorum": 4, "sampling": {"fraction": 0.5, "minimum": 4}}, 5, None, []),
        ({"quorum": 0.9, "sampling": {"fraction": 0.2}}, 5, None, []),
        ({"quorum": 3, "data": BATCHES}, 5, 3, []),
        (
            {"quorum": 4, "data": BATCHES},
            5,
            3,
            ["needs 4 updates, but there are only 3 batches, and each is given out once a round"],
        ),
        ({"quorum": 0.9, "data": BATCHES}, 5, 1, []),
        (
            {"quorum": 6, "sampling": {"minimum": 6}, "data": BATCHES},
            5,
            1,
            ["at least 6 sites, but only 5", "6 updates (quorum), but only 5", "only 1 batch,"],
        ),
        ({"strategy": BUFFERED}, 4, None, []),
        # Who works at the same time is drawn; in the end everybody may send one.
        ({"strategy": BUFFERED, "quorum": 3, "sampling": {"fraction": 0.25}}, 4, None, []),
        (
            {"strategy": BUFFERED},
            3,
            None,
            ["made of 4 updates (buffer), and each site sends one for a version, but only 3"],
        ),
        ({"strategy": BUFFERED, "data": BATCHES}, 4, 4, []),
        ({"strategy": BUFFERED, "data": BATCHES}, 4, 3, ["4 updates (buffer), but there are only"]),
        ({"strategy": {"name": "no such"[:2]}}, 1, None, []),
    ],
)
def test_what_so_many_sites_and_batches_are_too_few_for(
    facts: dict[str, Any], sites: int, batches: int | None, reasons: list[str]
) -> None:
    faults = list(faults_of_numbers(plan_of(**facts), sites, batches))
    assert len(faults) == len(reasons), faults
    for fault, reason in zip(faults, reasons, strict=True):
        assert reason in fault


@pytest.mark.parametrize(
    ("data", "there", "reasons"),
    [
        (BATCHES, index((5, 2), (5, 3)), []),
        # Each batch need not have every class.
        (BATCHES, index((5, 0), (0, 3)), []),
        (BATCHES, index(), ["hold no picture to train on"]),
        (BATCHES, index((0, 0)), ["hold no picture to train on"]),
        (BATCHES, index((5, 2), (0, 0)), ["1 of the 2 batches hold no picture to train on"]),
        (BATCHES, index((5, 0), (7, 0)), ["No batch has a training picture of malignant"]),
        (
            BATCHES,
            index((5, 4), classes=("BENIGN", "naevus")),
            [
                "No batch has a training picture of malignant",
                "classes that the study lacks: naevus; it has benign, malignant",
            ],
        ),
        (BATCHES, index((5, 4), classes=("Benign", "MALIGNANT")), []),
        (RANDOM, index((5, 5), (5, 6)), []),
        (
            RANDOM,
            index((5, 5), (5, 5)),
            ["Each site draws 21 training pictures, but the batches hold only 20"],
        ),
        (RANDOM, index((5, 20), (0, 0)), []),
        (RANDOM, index((20, 0)), ["No batch has", "draws 21 training pictures"]),
    ],
)
def test_what_public_pictures_lack(
    data: dict[str, Any], there: BatchIndex, reasons: list[str]
) -> None:
    faults = list(faults_of_batches(plan_of(data=data), STUDY, there))
    assert len(faults) == len(reasons), faults
    for fault, reason in zip(faults, reasons, strict=True):
        assert reason in fault


def test_long_lists_of_names_are_counted() -> None:
    many = tuple(f"class {number}" for number in range(LONGEST_LIST + 5))
    study = STUDY.model_copy(update={"classes": ("benign", *many)})
    (fault,) = faults_of_batches(plan_of(data=BATCHES), study, index((3, 0), classes=("benign",)))
    assert fault.endswith(f"class {LONGEST_LIST - 1}, 5 more")


def test_all_faults_of_a_plan_come_in_one_error() -> None:
    plan = plan_of(model={"name": "vgg"}, strategy={"settings": {"mu": 1}}, deadline_factor=2.0)
    plan = plan.model_copy(update={"training": plan.training.model_copy(update={"epochs": 0})})
    with pytest.raises(ImpossiblePlan) as refused:
        check_plan(plan, STUDY)
    assert len(refused.value.reasons) == 3
    check_plan(Plan(), STUDY)


READY_MADE = {name: view.plan for name, view in ready_made_plans(READY_MADE_PLANS).items()}
LEAST_SITES = {"asynchronous": 2, "grid-textures-asynchronous": 2}


@pytest.mark.parametrize("name", READY_MADE)
def test_a_ready_made_plan_is_possible_with_a_site_or_two(name: str) -> None:
    check_plan(READY_MADE[name], STUDY, LEAST_SITES.get(name, 1))
    if name in LEAST_SITES:
        with pytest.raises(ImpossiblePlan):
            check_plan(READY_MADE[name], STUDY, LEAST_SITES[name] - 1)


def test_the_ready_made_plans_show_what_a_plan_can_ask_for() -> None:
    assert next(iter(READY_MADE)) == "default"
    modes = {name: mode_of(plan) for name, plan in READY_MADE.items()}
    assert {name for name, mode in modes.items() if mode} == {
        "asynchronous",
        "fedasync",
        "grid-textures-asynchronous",
    }
    assert READY_MADE["quorum"].needed(READY_MADE["quorum"].sampling.size(10)) == 6
    assert {plan.trigger.kind for plan in READY_MADE.values()} == {"start", "upload"}
