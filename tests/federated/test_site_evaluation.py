from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from federated.errors import InvalidInput
from federated.site_evaluation import SiteEvaluation, check_site_evaluation

MODELS = ("a" * 64, "b" * 64)
FIGURES = {
    "loss": 0.5,
    "accuracy": 0.75,
    "balanced_accuracy": 0.75,
    "auc": None,
    "confusion": [[2, 1], [0, 1]],
}
RIGHT = {"task": "t", "num_examples": 4, "figures": dict.fromkeys(MODELS, FIGURES)}


def check(document: dict[str, Any]) -> None:
    """As the master reads it: from JSON, for a site with 20 pictures of two classes."""
    evaluation = SiteEvaluation.model_validate_json(json.dumps(document))
    check_site_evaluation(evaluation, "t", MODELS, classes=2, most=20)


def changed(**facts: Any) -> dict[str, Any]:
    return RIGHT | {"figures": {MODELS[0]: FIGURES | facts, MODELS[1]: FIGURES}}


def test_figures_may_be_missing_where_a_model_or_a_class_has_none() -> None:
    check(RIGHT)
    check(changed(loss=None, accuracy=None, balanced_accuracy=None, confusion=None))


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": float("nan")},
        {"loss": float("inf")},
        {"loss": 1e300},
        {"loss": -0.1},
        {"accuracy": 1.01},
        {"auc": -0.5},
        {"confusion": [[5, -1], [0, 0]]},
        {"confusion": [[10**9, 0], [0, 0]]},
        {"confusion": [[0] * 51] * 51},
    ],
)
def test_a_figure_has_its_range(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check(changed(**facts))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (RIGHT | {"task": "another"}, "wrong_task"),
        (RIGHT | {"num_examples": 21}, "bad_num_examples"),
        (RIGHT | {"figures": {MODELS[0]: FIGURES}}, "wrong_models"),
        (RIGHT | {"figures": dict.fromkeys((*MODELS, "f" * 64), FIGURES)}, "wrong_models"),
        (changed(confusion=[[2, 1], [0, 2]]), "bad_confusion"),
        (changed(confusion=[[2, 1, 0], [0, 1]]), "bad_confusion"),
        (changed(confusion=[[2, 1, 0], [0, 1, 0], [0, 0, 0]]), "bad_confusion"),
        (changed(confusion=[[4]]), "bad_confusion"),
        (changed(confusion=[]), "bad_confusion"),
    ],
)
def test_an_evaluation_is_what_its_task_asked_for(document: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check(document)
    assert raised.value.code == code


def test_no_evaluation_is_of_more_models_than_a_task_names() -> None:
    many = {f"{number:064x}": FIGURES for number in range(34)}
    with pytest.raises(ValidationError):
        check(RIGHT | {"figures": many})
