"""The space of a search, and what a task is trained with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from federated.messages import Task
from federated.plan import Plan
from federated.search import Hyperparameters, SearchSpace
from federated.signature import signature_of
from federated.study import Study

FLIPS = {"horizontal_flip": True}


def task(hyperparameters: dict[str, Any] | None, search: dict[str, Any] | None) -> Task:
    plan = {
        "training": {"learning_rate": 0.01, "batch_size": 8, "momentum": 0.5},
        "model": {"settings": {"width": 4}},
    }
    return Task(
        id="t",
        run="r",
        study=Study(id="skin", name="Skin", classes=("a", "b"), size=16, channels=3),
        plan=Plan.model_validate(plan | ({"search": {"space": search}} if search else {})),
        round=1,
        base_round=0,
        weights="0" * 64,
        signature=signature_of({"w": np.zeros(2, np.float32)}),
        seed=3,
        hyperparameters=hyperparameters,
    )


def test_a_task_has_its_own_settings_in_place_of_the_plans_and_the_others_beside() -> None:
    space = {
        "learning_rate": [1e-4, 1e-1],
        "dropout": [0.0, 0.5],
        "augmentation": {"none": {}, "flips": FLIPS},
    }
    own = {"learning_rate": 0.003, "dropout": 0.2, "augmentation": "flips"}
    found = task(own, space)
    assert found.training.learning_rate == 0.003
    assert found.training.augmentation.horizontal_flip
    assert (found.training.batch_size, found.training.momentum) == (8, 0.5)
    assert found.model.settings == {"width": 4, "dropout": 0.2}
    assert found.plan.training.learning_rate == 0.01


def test_without_a_search_a_task_is_trained_as_the_plan_has_it() -> None:
    found = task(None, None)
    assert (found.training, found.model) == (found.plan.training, found.plan.model)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "nothing to search"),
        ({"learning_rate": [0.1, 0.01]}, "put lower first"),
        ({"batch_size": [16]}, "two choices"),
        ({"optimizer": ["sgd", "sgd"]}, "each once"),
        ({"dropout": [0.0, 1.0]}, "less than 1"),
        ({"momentum": [0.0, 0.9]}, "not permitted"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SearchSpace.model_validate(space)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"training": {"epochs": 0}}, "compares trainings"),
        ({"model": {"name": "mobilenet", "trained": "features"}}, "can be augmented"),
    ],
)
def test_a_plan_whose_parts_do_not_go_with_a_search_is_refused(
    plan: dict[str, Any], said: str
) -> None:
    space = {"epochs": [1, 2], "augmentation": {"none": {}, "flips": FLIPS}}
    with pytest.raises(ValidationError, match=said):
        Plan.model_validate(plan | {"search": {"space": space}})


def test_a_round_waits_for_the_longest_training_that_a_search_may_propose() -> None:
    search = {"space": {"epochs": [2, 7, 5]}}
    assert Plan.model_validate({"search": search}).most_epochs == 7
    assert Plan.model_validate({"training": {"epochs": 3}}).most_epochs == 3


@pytest.mark.parametrize(
    ("told", "missed"),
    [
        ({"learning_rate": 0.003, "batch_size": 16.0, "optimizer": "sgd", "loss": "focal"}, set()),
        ({"learning_rate": 0.0030000000001, "batch_size": 16, "optimizer": "sgd"}, set()),
        ({"learning_rate": 0.0031, "batch_size": 16, "optimizer": "sgd"}, {"learning_rate"}),
        ({"learning_rate": 0.003, "batch_size": True}, {"batch_size", "optimizer"}),
        ({}, {"learning_rate", "batch_size", "optimizer"}),
    ],
)
def test_what_an_update_was_not_trained_with_is_found(
    told: dict[str, Any], missed: set[str]
) -> None:
    own = Hyperparameters(learning_rate=0.003, batch_size=16, optimizer="sgd")
    assert set(own.differing(told)) == missed
