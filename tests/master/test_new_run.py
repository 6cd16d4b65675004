"""What may be asked of a new run, and which ready-made plans there are."""

from __future__ import annotations

import pytest

from tests.master.federation import Federation


def test_a_wrong_plan_names_what_is_wrong(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a")
    for plan, status in (
        ("no-such-plan", 404),
        ({"rounds": 0}, 422),
        ({"model": {"name": "nothing"}}, 422),
        ({"strategy": {"name": "nothing"}}, 422),
        ({"unknown": 1}, 422),
    ):
        answer = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
        assert answer.status_code == status, plan
        assert set(answer.get_json()) - {"reasons"} == {"error", "detail"}


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (
            {"strategy": {"settings": {"mu": 0.1}}},
            "The strategy 'fedavg' has no setting 'mu'",
        ),
        (
            {"model": {"weights": "theirs.h5"}},
            "The master's folder of pretrained weights has no file 'theirs.h5'",
        ),
    ],
)
def test_nothing_that_a_plan_asks_for_is_silently_ignored(
    federation: Federation, plan: dict[str, object], sentence: str
) -> None:
    federation.study()
    federation.site("clinic-a")
    study = {"name": "Other", "classes": ["a", "b"], "plan": plan}
    for path, document in (("/runs", {"study": "skin", "plan": plan}), ("/studies", study)):
        answer = federation.call("POST", path, json=document)
        assert answer.status_code == 422
        assert sentence in answer.get_json()["detail"]


def test_the_ready_made_plans_are_listed_default_first(federation: Federation) -> None:
    plans = {plan["name"]: plan["plan"] for plan in federation.get("/plans")["plans"]}
    assert next(iter(plans)) == "default"
    assert plans["demo"]["privacy"]["min_examples"] == 1
    assert plans["train-on-upload"]["trigger"] == {"kind": "upload", "min_new_pictures": 10}
