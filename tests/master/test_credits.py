"""Credits that need models to be measured: in the background, exact, once, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.errors import NotEnoughUpdates
from federated.strategies import RoundFacts, fedavg
from master.coordinator import coalition_models, credit_jobs, credits
from master.coordinator.coordinator import Coordinator
from master.evaluation import EvaluatedModel
from master.garbage_collection import collect_garbage
from master.rewards import Merits
from master.store import ledger, round_credits
from master.store.pictures import LabelledRows
from serving.worker import WorkerDied, WorkerFailed
from tests.master.federation import Clock, Federation
from tests.master.rewards.games import exact
from tests.master.test_evaluation_jobs import knowing, upload
from tests.master.test_restart import restarted

PLAN: dict[str, Any] = {
    "rounds": 1,
    "privacy": {"min_examples": 5},
    # Credits are to deal with the site that is wrong about everything, not the audit.
    "audit": {"mirror_deviations": 1e6},
}
SITES = {"clinic-a": (9.0, 10), "clinic-b": (4.0, 30), "clinic-c": (-7.0, 25)}
"""How sharply each model tells light from dark (below 0: wrongly), and of how many pictures."""


def shapley(**changes: Any) -> dict[str, Any]:
    whole = {"policy": "shapley", "round_tolerance": 0, "order_tolerance": 0}
    return {"rewards": whole | changes}


def started(federation: Federation, **plan: Any) -> str:
    """A run whose first round has its updates."""
    federation.study()
    upload(federation, "audit", {"benign": 6, "malignant": 14})
    sites = [federation.site(name, labelled=80) for name in SITES]
    run = federation.run(**(PLAN | plan))
    for site in sites:
        sharpness, pictures = SITES[site.name]
        federation.deliver(site, knowing(site, sharpness, pictures))
    return run


def told(federation: Federation, run: str) -> dict[str, Any]:
    """How the credits of the first round arose."""
    found: dict[str, Any] = federation.get(f"/runs/{run}/rewards")["rounds"][-1]
    return found


def granted(federation: Federation, run: str) -> dict[str, float]:
    entries = federation.get(f"/runs/{run}/rewards")["ledger"]
    assert len({entry["task"] for entry in entries}) == len(entries)
    return {entry["node_name"]: entry["credits"] for entry in entries}


class Models:
    """The accuracy of averages of a round, worked out without the code under test."""

    def __init__(self, federation: Federation, run: str) -> None:
        view = federation.get(f"/runs/{run}/rounds/1")
        updates = sorted(view["updates"], key=lambda update: update["node_name"])
        self.weights = [federation.weights(update["sha256"]) for update in updates]
        self.examples = [update["num_examples"] for update in updates]
        self.before = federation.weights(view["weights_before"])
        shades = [20 + n for n in range(6)] + [220 + n for n in range(14)]
        self.pictures = np.array([[shade, shade, 5] for shade in shades]) / 255
        self.labels = np.array([0] * 6 + [1] * 14)

    def __call__(self, members: frozenset[int]) -> float:
        total = sum(self.examples[k] for k in members)
        mean = self.before
        if members:
            mean = {
                name: sum(self.weights[k][name] * (self.examples[k] / total) for k in members)
                for name in self.before
            }
        logits = self.pictures @ mean["dense/kernel"] + mean["dense/bias"]
        return float((logits.argmax(axis=1) == self.labels).mean())


def test_shapley_is_the_value_of_the_strategys_own_averages(federation: Federation) -> None:
    run = started(federation, **shapley())
    value = Models(federation, run)
    expected = exact(value, 3)
    found = told(federation, run)
    assert (found["state"], found["orders"], found["models"]) == ("granted", 6, 8)
    assert (found["before"], found["after"]) == (value(frozenset()), value(frozenset({0, 1, 2})))
    assert [one["contribution"] for one in found["updates"]] == pytest.approx(expected)
    assert [one["compared"] for one in found["updates"]] == [
        value(frozenset({k})) for k in range(3)
    ]
    paid = granted(federation, run)
    assert sum(paid.values()) == 100
    merits = [max(0.0, value) for value in expected]
    for name, merit in zip(SITES, merits, strict=True):
        assert paid.get(name, 0) == pytest.approx(100 * merit / sum(merits), abs=0.001)
    assert paid["clinic-a"] > paid.get("clinic-c", 0)
    reason = federation.get(f"/runs/{run}/rewards")["ledger"][0]["reason"]
    assert "points of accuracy on the audit pictures in the mean over 6 orders" in reason


def test_leaving_one_out_averages_the_others_by_their_examples(federation: Federation) -> None:
    run = started(federation, rewards={"policy": "leave_one_out", "pool": 7})
    value = Models(federation, run)
    every = frozenset({0, 1, 2})
    expected = [value(every) - value(every - {k}) for k in range(3)]
    # Without the mean by examples clinic-c would outweigh neither of the others.
    assert len({round(one, 6) for one in expected}) > 1
    found = told(federation, run)
    assert [one["contribution"] for one in found["updates"]] == pytest.approx(expected)
    assert sum(granted(federation, run).values()) in (7, 0)


CROWD = {"clinic-a": 9.0, "clinic-b": 4.0, "clinic-c": 6.0, "clinic-d": 5.0, "clinic-e": -18.5}
"""Sharpnesses: four honest sites that differ, and one that would outweigh some three of them."""


def crowd(federation: Federation, policy: dict[str, Any]) -> dict[str, Any]:
    """How the credits of a round under Multi-Krum arose, of which one update may be hostile."""
    federation.study()
    upload(federation, "audit", {"benign": 6, "malignant": 14})
    sites = [federation.site(name, labelled=80) for name in CROWD]
    run = federation.run(**PLAN, **policy, strategy={"name": "multi_krum", "settings": {"f": 1}})
    for place, site in enumerate(sites):
        federation.deliver(site, knowing(site, CROWD[site.name], 10 + 7 * place))
    return told(federation, run) | {"paid": granted(federation, run)}


def test_leaving_out_whom_krum_leaves_out_is_worth_nothing(federation: Federation) -> None:
    found = crowd(federation, {"rewards": {"policy": "leave_one_out"}})
    # All five: clinic-e is left out, and the mean of the others is always right. Of four none
    # may be hostile, so that all count: 4 + 6 + 5 < 18.5 and 9 + 4 + 5 < 18.5 are always wrong,
    # 9 + 6 + 5 and 9 + 4 + 6 are more.
    assert [one["compared"] for one in found["updates"]] == [0, 1, 0, 1, 1]
    assert [one["contribution"] for one in found["updates"]] == [1, 0, 1, 0, 0]
    assert found["paid"] == {"clinic-a": 50, "clinic-c": 50}


def test_in_every_order_a_hostile_site_does_harm_to_what_krum_makes(
    federation: Federation,
) -> None:
    found = crowd(federation, shapley())
    sharpness = list(CROWD.values())

    def value(members: frozenset[int]) -> float:
        if not members:
            return float(found["before"])
        return float(len(members) == 5 or sum(sharpness[place] for place in members) > 0)

    expected = exact(value, 5)
    assert [one["contribution"] for one in found["updates"]] == pytest.approx(expected)
    assert expected[4] < 0
    assert "clinic-e" not in found["paid"]


def test_improvement_needs_but_one_model_beside_the_audited(federation: Federation) -> None:
    run = started(federation, rewards={"policy": "improvement"})
    found = told(federation, run)
    assert found["models"] == 1
    gains = [one["contribution"] for one in found["updates"]]
    assert gains[0] == pytest.approx(1 - found["before"])
    assert gains[2] < 0
    assert "clinic-c" not in granted(federation, run)


def test_accuracy_is_granted_as_the_round_closes(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/",)
    run = started(federation, rewards={"pool": 10})
    assert told(federation, run)["state"] == "granted"
    assert sum(granted(federation, run).values()) == 10
    assert federation.evaluation_queues.waiting == {}


def test_an_update_that_was_not_measured_is_measured_for_its_credits(
    federation: Federation,
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 6, "malignant": 14})
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN)
    # With all that wait; then the first model by itself, and the update by itself.
    federation.evaluator.failure = WorkerFailed("It could not be done")
    federation.evaluator.failures = 3
    federation.deliver(a, knowing(a, 9.0, 10))
    federation.deliver(b, knowing(b, 5.0, 10))
    assert told(federation, run)["models"] == 1
    assert granted(federation, run) == {"clinic-a": 50, "clinic-b": 50}


def test_the_next_round_does_not_wait_for_credits(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/",)
    run = started(federation, **shapley(), rounds=2)
    assert federation.get(f"/runs/{run}")["round"] == 2
    found = federation.get("/rewards")
    assert found["ledger"] == []
    assert [(s["updates"], s["pending"]) for s in found["leaderboard"]] == [(1, 1)] * 3
    (pending,) = found["rounds"]
    assert (pending["state"], pending["most_models"]) == ("pending", 200)
    assert {one["contribution"] for one in pending["updates"]} == {None}
    federation.evaluation_queues.release()
    federation.settle()
    assert sum(granted(federation, run).values()) == 100
    found = federation.get("/rewards")
    assert [s["pending"] for s in found["leaderboard"]] == [0] * 3
    assert [s["recent_average"] for s in found["leaderboard"]] == pytest.approx(
        [s["credits"] * np.log(2) / 7 for s in found["leaderboard"]]
    )


def test_audits_and_evaluations_go_before_credits(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/", "evaluation/")
    run = started(federation, **shapley(), rounds=2)
    site = federation.children.children["clinic-a"]
    federation.evaluation_queues.held += ("audit/",)
    federation.deliver(site, knowing(site, 9.0, 10))
    asked: dict[str, int] = {}

    def submit(_queue: str, key: str, _job: object, priority: int = 0) -> None:
        asked[key.partition("/")[0]] = priority

    services, queues = federation.services, federation.queues
    Coordinator(services, "test", queues.submit, submit).step()
    assert asked["audit"] < asked["evaluation"] < asked["credits"]
    assert told(federation, run)["state"] == "pending"


class Killed(RuntimeError):
    """The master dies here."""


@pytest.mark.parametrize("slice_", [1, 2])
def test_a_killed_master_goes_on_from_what_was_measured(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    asked: list[int] = []
    measure = federation.evaluator.accuracies

    def dies(
        models: Sequence[EvaluatedModel], pixels: Path, examples: LabelledRows
    ) -> list[float | None]:
        asked.append(len(models))
        if len(asked) == slice_:
            raise Killed
        return measure(models, pixels, examples)

    monkeypatch.setattr(federation.evaluator, "accuracies", dies)
    run = started(federation, **shapley())
    before = told(federation, run)
    assert (before["state"], before["models"]) == ("pending", 2 * (slice_ - 1))
    after = restarted(federation)
    after.settle()
    found = told(after, run)
    # Each of the eight coalitions was measured once, in the one life or the other.
    assert (found["state"], found["models"]) == ("granted", 8)
    assert sum(granted(after, run).values()) == 100
    after.services.database.close()


def test_nothing_is_granted_twice(federation: Federation) -> None:
    run = started(federation, **shapley())
    paid = granted(federation, run)
    credit_jobs.work_out(federation.services, run, 1)
    with federation.services.database.write() as session:
        claims = coalition_models.claims_of(session, run, 1, 100)
        found = Merits(contributions=(1.0, 1.0, 1.0), compared=(None, None, None))
        rewards = claims.material.plan.rewards
        assert not credits.grant(session, run, 1, rewards, claims.updates, found, 5.0)
    assert granted(federation, run) == paid


def slow(federation: Federation, seconds: float) -> None:
    """An evaluation process whose every call takes so long."""
    measure = federation.evaluator.accuracies

    def accuracies(*arguments: Any) -> list[float | None]:
        federation.clock.tick(seconds)
        return measure(*arguments)

    federation.evaluator.accuracies = accuracies  # type: ignore[method-assign]


def test_when_the_time_is_over_the_orders_so_far_decide(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("master.rewards.shapley.WIDTH", 1)
    slow(federation, 10)
    run = started(federation, **shapley(max_seconds=25))
    found = told(federation, run)
    # Three slices: both ends; who comes first in the first order; the first two of it.
    assert (found["state"], found["orders"], found["models"]) == ("granted", 1, 4)
    assert sum(granted(federation, run).values()) == 100


def test_with_too_little_time_nothing_is_granted_and_it_is_said_why(
    federation: Federation,
) -> None:
    slow(federation, 10)
    run = started(federation, **shapley(max_seconds=5))
    found = told(federation, run)
    assert found["state"] == "none"
    assert "was not enough for one order" in found["reason"]
    assert granted(federation, run) == {}
    events = federation.get(f"/runs/{run}/events")["events"]
    (event,) = [event for event in events if event["kind"] == "credits_settled"]
    assert event["text"].startswith("Round 1 hands out no credits: What the plan allows")


def test_an_evaluation_process_that_always_ends_ends_the_working_out(
    federation: Federation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(*_: object) -> list[float | None]:
        raise WorkerDied("It ended")

    monkeypatch.setattr(federation.evaluator, "accuracies", died)
    run = started(federation, **shapley(max_seconds=12))
    for _ in range(5):
        clock.tick(6)
        federation.settle()
    assert told(federation, run)["state"] == "none"
    assert "The time that the plan allows was over" in told(federation, run)["reason"]


@pytest.mark.parametrize(
    ("rewards", "reason"),
    [
        ({"policy": "shapley", "pool": 0}, "The plan hands out no credits."),
        ({"policy": "shapley", "round_tolerance": 1.0}, "has hardly changed the accuracy"),
    ],
)
def test_a_round_without_credits_says_why(
    federation: Federation, rewards: dict[str, Any], reason: str
) -> None:
    run = started(federation, rewards=rewards)
    found = told(federation, run)
    assert found["state"] == "none"
    assert reason in found["reason"]
    assert granted(federation, run) == {}


def test_without_audit_pictures_the_round_says_so(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN, **shapley())
    federation.deliver(a, knowing(a, 9.0, 10))
    assert told(federation, run)["reason"] == credits.NO_PICTURES
    (place,) = federation.get("/rewards")["leaderboard"]
    assert (place["credits"], place["updates"], place["pending"]) == (0, 1, 0)


def test_a_lost_update_ends_the_working_out(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/",)
    run = started(federation, **shapley())
    update = federation.get(f"/runs/{run}/rounds/1")["updates"][0]
    federation.services.blobs.delete(update["sha256"])
    federation.evaluation_queues.release()
    federation.settle()
    found = told(federation, run)
    assert found["state"] == "none"
    assert found["reason"] == "The updates could not be measured: There is no such blob."


def test_garbage_collection_leaves_what_credits_are_worked_out_of(
    federation: Federation, clock: Clock
) -> None:
    federation.evaluation_queues.held = ("credits/",)
    run = started(federation, **shapley())
    services = federation.services
    collect = partial(collect_garbage, services.database, services.blobs, 0, clock.time)
    assert collect().blobs == 0
    federation.evaluation_queues.release()
    federation.settle()
    assert told(federation, run)["state"] == "granted"
    assert collect().blobs == 3


def test_pictures_that_came_later_do_not_count(federation: Federation) -> None:
    federation.evaluation_queues.held = ("credits/",)
    run = started(federation, **shapley())
    upload(federation, "audit", {"benign": 40}, dark="malignant")
    federation.evaluation_queues.release()
    federation.settle()
    value = Models(federation, run)
    assert told(federation, run)["after"] == value(frozenset({0, 1, 2}))


def test_a_coalition_too_small_for_the_strategy_leaves_the_model_as_it_was(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_two(facts: RoundFacts) -> Any:
        if len(facts.contributions) < 2:
            raise NotEnoughUpdates("Too few", expected="two", received=1)
        return fedavg(facts)

    monkeypatch.setattr(coalition_models, "strategy", lambda _: of_two)
    run = started(federation, **shapley())
    value = Models(federation, run)
    expected = exact(lambda some: value(some if len(some) > 1 else frozenset()), 3)
    found = told(federation, run)
    assert [one["contribution"] for one in found["updates"]] == pytest.approx(expected)


def test_nothing_is_left_of_what_was_made_to_measure(federation: Federation) -> None:
    run = started(federation, **shapley())
    assert list(federation.services.state.drafts.iterdir()) == []
    view = federation.get(f"/runs/{run}/rounds/1")
    known = {view["weights_before"], view["weights_after"], *(u["sha256"] for u in view["updates"])}
    assert set(federation.services.blobs.names()) == known
    with federation.services.database.read() as session:
        assert round_credits.measured(session, run, 1) == {}
        assert sum(ledger.amounts(session, run, 1).values()) == 100_000
