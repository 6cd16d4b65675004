"""Strategies at the master: who counts, what is kept between rounds, and what they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.master.federation import Clock, Federation, base_of, trained, update_of
from tests.master.test_evaluation_jobs import knowing, upload

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def with_strategy(name: str, rounds: int = 1, **settings: Any) -> dict[str, Any]:
    return PLAN | {"rounds": rounds, "strategy": {"name": name, "settings": settings}}


def test_krum_waits_for_as_many_updates_as_it_needs_and_takes_one(federation: Federation) -> None:
    federation.study()
    sites = [federation.site(f"clinic-{letter}") for letter in "abcde"]
    run = federation.run(**with_strategy("krum", f=1), quorum=2, close="quorum")
    view = federation.last_round(run)
    assert (view["quorum"], view["target"]) == (5, 5)
    base = base_of(sites[0])
    for site, shift in zip(sites, (0.1, 0.2, 0.4, 0.6, -0.8), strict=True):
        federation.deliver(site, trained(site, shift, num_examples=10))
    view = federation.last_round(run)
    assert view["state"] == "closed"
    # By the distances between the shifts: 1 + 9, 1 + 4, 4 + 4, 4 + 16 and 81 + 100 hundredths.
    assert [update["share"] for update in view["updates"]] == [0.0, 1.0, 0.0, 0.0, 0.0]
    for name, array in federation.weights(view["weights_after"]).items():
        np.testing.assert_allclose(array, base[name] + np.float32(0.2), rtol=1e-6)


def test_krum_is_refused_where_too_few_sites_are_approved(federation: Federation) -> None:
    federation.study()
    for letter in "abcd":
        federation.site(f"clinic-{letter}")
    body = {"study": "skin", "plan": with_strategy("krum")}
    answer = federation.call("POST", "/runs", json=body)
    assert answer.status_code == 422
    assert "needs 5 updates a round, but only 4 sites are approved" in answer.get_json()["detail"]


def test_a_round_with_too_few_updates_for_krum_fails_and_says_so(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    sites = [federation.site(f"clinic-{letter}") for letter in "abcde"]
    run = federation.run(**with_strategy("krum"), deadline_seconds=30)
    for site in sites[:4]:
        federation.deliver(site, trained(site, 0.5, num_examples=10))
    for _ in range(2):
        clock.tick(40)
        federation.settle()
    view = federation.last_round(run)
    assert view["state"] == "failed"
    assert "4 of at least 5 updates accepted" in view["reason"]


def test_the_best_is_chosen_by_the_audit_pictures(federation: Federation) -> None:
    federation.study()
    plan = with_strategy("best_k", k=1)
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    refused = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
    assert refused.status_code == 422
    assert "and the study has none" in refused.get_json()["detail"]
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    run = federation.run(**plan)
    federation.deliver(a, knowing(a, sharpness=-9.0, num_examples=20))
    federation.deliver(b, knowing(b, sharpness=9.0, num_examples=5))
    view = federation.last_round(run)
    assert [update["share"] for update in view["updates"]] == [0.0, 1.0]


def test_momentum_goes_on_in_a_run_and_not_into_the_next(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    plan = with_strategy("fedavgm", rounds=2, momentum=0.5)

    def deliver() -> None:
        for site, shift, examples in ((a, 0.1, 5), (b, 0.3, 15)):
            federation.deliver(site, trained(site, shift, num_examples=examples))

    for _ in range(2):
        before = base_of_study(federation)
        run = federation.run(**plan)
        deliver()
        deliver()
        first, second = federation.rounds(run)
        # The mean shift is (5 * 0.1 + 15 * 0.3) / 20 = 0.25, then 0.25 + 0.5 * 0.25.
        for round_, shift in ((first, 0.25), (second, 0.625)):
            after = federation.weights(round_["weights_after"])
            for name, array in before.items():
                np.testing.assert_allclose(after[name], array + shift, atol=1e-5)


def base_of_study(federation: Federation) -> dict[str, np.ndarray]:
    return federation.weights(federation.get("/studies/skin")["current"]["weights"])


def test_fednova_hears_how_many_steps_each_took(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 40), federation.site("clinic-b", 40)
    plan = with_strategy("fednova") | {"training": {"epochs": 1, "batch_size": 2}}
    run = federation.run(**plan)
    base = base_of(a)
    for site, shift, examples, steps in ((a, 0.2, 10, 5), (b, 0.4, 30, 10**9)):
        moved = {name: array + np.float32(shift) for name, array in base.items()}
        blob = update_of(site.tasks[-1], moved, num_examples=examples, num_steps=steps)
        federation.deliver(site, blob)
    view = federation.last_round(run)
    # 30 pictures in batches of 2 are 15 steps: 5/4 + 45/4 = 12.5 steps of 0.2/5/4 + 3 * 0.4/15/4.
    shift = 12.5 * (0.01 + 0.02)
    for name, array in federation.weights(view["weights_after"]).items():
        np.testing.assert_allclose(array, base[name] + np.float32(shift), atol=1e-6)
