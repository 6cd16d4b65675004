"""Audits at a whole master: the answer to a node, the round's others, the standing of nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from federated.training import Training
from master.evaluation import Answered, EvaluatedModel
from master.store import sketches
from master.work_queues import WorkQueues
from serving.worker import WorkerDied, WorkerFailed
from tests.master.federation import ChildInTest, Federation, base_of, trained, update_of
from tests.master.test_evaluation_jobs import PLAN, knowing, upload

UNPAID = PLAN | {"rewards": {"pool": 0}}


def sites(federation: Federation, names: str) -> list[ChildInTest]:
    return [federation.site(f"clinic-{name}") for name in names]


def updates(federation: Federation, run: str, number: int = 1) -> dict[str, dict]:
    view = federation.get(f"/runs/{run}/rounds/{number}")
    return {update["node_name"]: update for update in view["updates"]}


def standings(federation: Federation) -> dict[str, tuple[str, int]]:
    nodes = federation.get("/nodes")["nodes"]
    return {node["name"]: (node["standing"], node["good_results"]) for node in nodes}


def broken(child: ChildInTest) -> bytes:
    return trained(child, float("nan"), 10)


@pytest.fixture
def slow(federation: Federation) -> Iterator[threading.Event]:
    """An evaluation process that answers when the test lets it."""
    queues, go_on = WorkQueues(2, "evaluation"), threading.Event()
    federation.coordinator._submit_evaluation = queues.submit
    report = federation.evaluator.report

    def wait(*given: object, **named: object) -> dict:
        assert go_on.wait(60)
        return report(*given, **named)

    federation.evaluator.report = wait
    yield go_on
    go_on.set()
    queues.close()


def test_a_slow_audit_keeps_no_node_waiting(federation: Federation, slow: threading.Event) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN)
    for child in (a, b):
        # The answer comes while the evaluation process has not measured anything.
        answer = federation.deliver(child, knowing(child, 9.0, 10))
        assert (answer.status_code, answer.get_json()["state"]) == (200, "submitted")
        assert federation.beat(child)["cancelled"] == []
    assert not slow.is_set()
    assert {u["audit"] for u in updates(federation, run).values()} == {None}
    slow.set()
    for _ in range(600):
        federation.settle()
        if federation.get(f"/runs/{run}")["state"] == "completed":
            break
        federation.services.wakeup.wait(0.1)
    found = updates(federation, run)
    assert [u["audit"]["verdict"] for u in found.values()] == ["accepted", "accepted"]


def test_updates_that_wait_together_are_measured_in_one_call_with_what_they_start_from(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    children = sites(federation, "abc")
    run = federation.run(**PLAN)
    asked: list[int] = []
    answered = federation.evaluator.answered
    monkeypatch.setattr(
        federation.evaluator,
        "answered",
        lambda m, *given: asked.append(len(m)) or answered(m, *given),
    )
    federation.evaluation_queues.held = ("audit/",)
    for child in children:
        federation.deliver(child, knowing(child, 9.0, 10))
    federation.evaluation_queues.release()
    federation.settle()
    assert asked == [1 + 3]
    reasons = [" ".join(u["audit"]["reasons"]) for u in updates(federation, run).values()]
    assert all("the round's first model has" in text for text in reasons)


@pytest.mark.parametrize("error", [WorkerFailed("It could not be done"), WorkerDied("It ended")])
def test_one_bad_update_leaves_no_other_without_its_figures(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    children = sites(federation, "abc")
    run = federation.run(**PLAN)
    federation.evaluation_queues.held = ("audit/",)
    receipts = [federation.deliver(child, knowing(child, 9.0, 10)) for child in children]
    bad, answered = receipts[1].get_json()["sha256"], federation.evaluator.answered

    def refuse(models: Sequence[EvaluatedModel], *given: Any) -> list[Answered | None]:
        if any(model.weights.name == bad for model in models):
            raise error
        return answered(models, *given)

    monkeypatch.setattr(federation.evaluator, "answered", refuse)
    federation.evaluation_queues.release()
    federation.settle()
    found = updates(federation, run)
    audits = [found[f"clinic-{name}"]["audit"] for name in "abc"]
    assert [bool(audit and audit["measured"]) for audit in audits] == [True, False, True]
    # Of what ended the process nothing is known yet: it is tried again.
    waits = isinstance(error, WorkerDied)
    assert [audit is None for audit in audits] == [False, waits, False]


def test_wrong_labels_are_seen_by_what_they_do_and_the_round_goes_on_without(
    federation: Federation,
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 11, "malignant": 14})
    children = sites(federation, "abcde")
    run = federation.run(**PLAN | {"rounds": 2}, quorum=3)
    for child in children:
        federation.deliver(child, knowing(child, 7.0, 10))
    for child in children:
        wrong = child.name == "clinic-c"
        federation.deliver(child, knowing(child, -9.0 if wrong else 9.0, 10))
    found = updates(federation, run, 2)
    assert federation.get(f"/runs/{run}/rounds/2")["state"] == "closed"
    assert [name for name, u in found.items() if u["status"] == "rejected"] == ["clinic-c"]
    against = "it goes against what the site says to have"
    assert against in found["clinic-c"]["audit"]["reasons"][-1]
    assert found["clinic-c"]["share"] is None
    assert sum(u["share"] for u in found.values() if u["share"]) == pytest.approx(1)
    assert standings(federation)["clinic-c"] == ("watched", 0)
    assert standings(federation)["clinic-a"] == ("checked", 2)
    told = federation.get("/nodes")["nodes"][2]["standing_reason"]
    assert against in told


@pytest.mark.parametrize(
    ("shift", "accuracy", "state"),
    [(1.0, 0.7, "rejected"), (1.0, 0.8, "accepted"), (-2.0, 0.7, "accepted")],
)
def test_an_odd_sign_of_the_update_alone_counts_with_one_that_the_others_show(
    federation: Federation,
    monkeypatch: pytest.MonkeyPatch,
    shift: float,
    accuracy: float,
    state: str,
) -> None:
    federation.study(classes=["benign", "malignant", *(f"other-{n}" for n in range(20))])
    upload(federation, "audit", {"benign": 3, "malignant": 5})
    federation.evaluation_queues.held = ("evaluation/",)
    (a,) = sites(federation, "a")
    run = federation.run(**UNPAID | {"rounds": 2})
    found = {1: 0.8}

    def figures(models: Sequence[EvaluatedModel], *_: object) -> list[Answered | None]:
        number = federation.get(f"/runs/{run}")["round"]
        accuracies = [0.8 if model.base is None else found[number] for model in models]
        reports = [{"accuracy": one, "num_examples": 8} for one in accuracies]
        return [Answered(one, [0.5] * 8, [True] * 8) for one in reports]

    monkeypatch.setattr(federation.evaluator, "answered", figures)
    federation.deliver(a, trained(a, 1.0, 10))
    found[2] = accuracy
    # The same step once more is odd, and so is a model that is a little worse.
    federation.deliver(a, trained(a, shift, 10))
    update = updates(federation, run, 2)["clinic-a"]
    assert update["status"] == state
    reasons = update["audit"]["reasons"]
    assert len(reasons) == len(set(reasons))
    assert any("the same change of the weights as its own" in one for one in reasons) == (
        shift == 1
    )
    task = next(t for t in federation.get(f"/runs/{run}/rounds/2")["tasks"] if t["state"] == state)
    if state == "rejected":
        assert "the same change" in task["reason"]
        assert "makes the model worse" in task["reason"]


def test_a_rejection_at_the_end_that_leaves_the_quorum_missed_gives_the_work_out_again(
    federation: Federation,
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 11, "malignant": 14})
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN | {"rounds": 2}, quorum=2)
    for child in (a, b):
        federation.deliver(child, knowing(child, 7.0, 10))
    federation.deliver(a, knowing(a, 9.0, 10))
    federation.deliver(b, knowing(b, -9.0, 10))
    view = federation.get(f"/runs/{run}/rounds/2")
    assert (view["state"], view["extended"]) == ("open", True)
    assert [(t["node_name"], t["state"]) for t in view["tasks"]] == [
        ("clinic-a", "accepted"),
        ("clinic-b", "rejected"),
        ("clinic-b", "leased"),
    ]
    federation.deliver(b, knowing(b, 8.0, 10))
    assert federation.get(f"/runs/{run}")["state"] == "completed"


def test_what_could_not_be_checked_is_told_apart(federation: Federation) -> None:
    federation.study()
    a, b = sites(federation, "ab")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    federation.deliver(b, trained(b, 2.0, 10))
    audit = updates(federation, run)["clinic-b"]["audit"]
    assert audit["unchecked"] == [
        "Not compared with earlier updates: the model is too small.",
        "No audit pictures: accuracy not measured.",
        "Not compared with the round's others in length and direction: 0 updates to compare, "
        "4 needed.",
    ]
    assert set(audit["unchecked"]) < set(audit["reasons"])


def test_a_node_is_trusted_after_ten_good_results_and_watched_after_a_bad_one(
    federation: Federation,
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 5, "malignant": 7})
    (a,) = sites(federation, "a")
    federation.run(**UNPAID | {"rounds": 12})
    for good in range(1, 11):
        federation.deliver(a, knowing(a, 9.0 + good, 10))
        word = "trusted" if good == 10 else "checked"
        assert standings(federation) == {"clinic-a": (word, good)}
    assert federation.deliver(a, broken(a)).status_code == 422
    assert standings(federation) == {"clinic-a": ("watched", 0)}
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "suspended"})
    assert standings(federation) == {"clinic-a": ("suspended", 0)}
    kinds = [event["kind"] for event in federation.get("/events")["events"]]
    assert kinds.count("node_trusted") == kinds.count("node_watched") == 1


def test_results_that_nobody_has_looked_at_make_no_node_trusted(federation: Federation) -> None:
    federation.study()
    (a,) = sites(federation, "a")
    federation.run(**UNPAID | {"rounds": 3, "audit": {"trusted_after": 1}})
    federation.deliver(a, trained(a, 1.0, 10))
    assert standings(federation) == {"clinic-a": ("checked", 0)}
    upload(federation, "audit", {"benign": 5, "malignant": 7})
    federation.evaluator.answered = refusing
    federation.deliver(a, trained(a, 1.0, 10))
    assert standings(federation) == {"clinic-a": ("checked", 0)}
    del federation.evaluator.answered
    federation.deliver(a, knowing(a, 9.0, 10))
    assert standings(federation) == {"clinic-a": ("checked", 1)}


def announce(federation: Federation, child: ChildInTest, counts: dict[str, int]) -> None:
    held = {"counts": counts, "weights": child.pushes[-1].weights}
    federation.post(f"/nodes/{child.id}/heartbeat", {"studies": {"skin": held}}, child.token)


@pytest.mark.parametrize("claimed", [{"benign": 20}, {"benign": 4, "malignant": 16}, {}])
def test_who_names_classes_of_which_there_are_no_pictures_gains_no_good_result(
    federation: Federation, claimed: dict[str, int]
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 4, "malignant": 9})
    (a,) = sites(federation, "a")
    run = federation.run(**UNPAID | {"rounds": 2, "audit": {"trusted_after": 1}})
    announce(federation, a, claimed)
    federation.deliver(a, knowing(a, 9.0, 10))
    assert standings(federation) == {"clinic-a": ("checked", 0)}
    assert not is_harmless(federation, run, 1)
    # Nor is it held against an honest site that it has them.
    assert updates(federation, run)["clinic-a"]["status"] == "accepted"
    announce(federation, a, {"benign": 1, "malignant": 19})
    federation.settle()
    federation.deliver(a, knowing(a, 10.0, 10))
    assert standings(federation)["clinic-a"][1] == 1
    assert is_harmless(federation, run, 2)


def is_harmless(federation: Federation, run: str, number: int) -> bool:
    (update,) = updates(federation, run, number).values()
    with federation.services.database.read() as session:
        (found,) = sketches.candidates(session, [update["task"]], Training())
    return found.is_harmless


@pytest.mark.parametrize(("part", "good"), [("test", 1), ("audit", 0)])
def test_whoever_could_have_been_measured_is_not_trusted_for_fitting_the_others(
    federation: Federation, part: str, good: int
) -> None:
    rng = np.random.default_rng(5)
    federation.study(classes=["benign", "malignant", *(f"other-{n}" for n in range(20))])
    upload(federation, part, {"benign": 5, "malignant": 7})
    children = sites(federation, "abcd")
    federation.run(**UNPAID, quorum=4)
    federation.evaluator.answered = refusing
    for child in children:
        moved = {
            name: array + rng.normal(1, 0.5, array.shape).astype(np.float32)
            for name, array in base_of(child).items()
        }
        federation.deliver(child, update_of(child.tasks[-1], moved, num_examples=10))
    assert set(standings(federation).values()) == {("checked", good)}


def test_an_update_is_judged_by_what_was_announced_when_it_came(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 11, "malignant": 14})
    (a,) = sites(federation, "a")
    run = federation.run(**UNPAID | {"rounds": 2}, quorum=1)
    federation.deliver(a, knowing(a, 7.0, 10))
    federation.evaluation_queues.held = ("audit/",)
    federation.deliver(a, knowing(a, -9.0, 10))
    announce(federation, a, {})
    federation.evaluation_queues.release()
    federation.settle()
    found = updates(federation, run, 2)["clinic-a"]
    assert found["status"] == "rejected"
    assert "it goes against what the site says to have" in found["audit"]["reasons"][-1]


def refusing(*_: object) -> None:
    raise WorkerFailed("It could not be done")


def test_a_trusted_node_is_measured_sometimes_unless_its_credits_need_it(
    federation: Federation,
) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 5, "malignant": 7})
    (a,) = sites(federation, "a")
    rounds = 30
    audit = {"trusted_after": 3}
    run = federation.run(**UNPAID | {"rounds": rounds, "audit": audit})
    for number in range(rounds):
        federation.deliver(a, knowing(a, 9.0 + number, 10))
    found = [updates(federation, run, n)["clinic-a"]["audit"] for n in range(1, rounds + 1)]
    measured = [bool(audit["measured"]) for audit in found]
    assert all(measured[:3])
    # From then on with probability 1/3, 1/4, 1/5 … as far as the row has come.
    assert 1 <= sum(measured[3:]) <= 15
    assert standings(federation)["clinic-a"][1] == sum(measured)
    unmeasured = found[measured.index(False)]
    assert unmeasured["unchecked"][1].startswith("Not measured this time: the last ")
    paid = federation.run(**PLAN | {"audit": audit})
    federation.deliver(a, knowing(a, 9.0, 10))
    assert updates(federation, paid)["clinic-a"]["audit"]["measured"]


def test_trouble_of_the_master_is_not_held_against_a_node(federation: Federation) -> None:
    federation.study()
    upload(federation, "audit", {"benign": 5, "malignant": 7})
    a, b = sites(federation, "ab")
    federation.run(**PLAN)
    federation.evaluation_queues.held = ("audit/",)
    lost = federation.deliver(a, trained(a, 1.0, 10)).get_json()["sha256"]
    federation.services.blobs.delete(lost)
    federation.evaluation_queues.release()
    federation.deliver(b, knowing(b, 9.0, 10))
    assert standings(federation) == {"clinic-a": ("checked", 0), "clinic-b": ("checked", 1)}
