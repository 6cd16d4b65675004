"""Random stories: nodes answer, fail, fall silent and lie; the master is killed in between.

Whatever happens, the run comes to an end, every task has an end with a reason, no update
counts twice, and each model is what the counted updates make it, worked out from the blobs.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federated.states import TaskState
from tests.master.federation import ChildInTest, Clock, Federation, trained
from tests.master.test_evaluation_jobs import upload
from tests.master.test_plan_check import write_index
from tests.master.test_restart import restarted

PLAN: dict[str, Any] = {
    "rounds": 4,
    "quorum": 2,
    "deadline_seconds": 200,
    "privacy": {"min_examples": 5},
    "training": {"epochs": 1},
}
MODES: dict[str, dict[str, Any]] = {
    "all answer": {},
    "the quorum suffices": {"close": "quorum", "sampling": {"fraction": 0.75}},
    "batches": {"data": {"kind": "batches"}},
    "fedbuff": {
        "strategy": {"name": "fedbuff", "settings": {"buffer": 2, "max_staleness": 2}},
    },
    "fedasync": {"strategy": {"name": "fedasync"}, "quorum": 1},
}
ENDED = {"completed", "failed"}


class Story:
    """One federation, and what chance does to it."""

    def __init__(self, folder: Path, mode: str, seed: int) -> None:
        self.chance = random.Random(f"{mode}/{seed}")
        self.federation = Federation(folder / "state", Clock())
        self.federation.study()
        upload(self.federation, "audit", {"benign": 2, "malignant": 3})
        self.children = [
            self.federation.site(f"clinic-{letter}", 20, pull=pull)
            for letter, pull in zip("abcd", (False, False, True, True), strict=True)
        ]
        plan = PLAN | MODES[mode] | {"seed": seed}
        if plan.get("data"):
            write_index(folder / "batches", *[(4, 4)] * 5)
            plan["data"] = plan["data"] | {"url": str(folder / "batches")}
        self.over: set[str] = set()
        self.run = self.federation.run(**plan)

    def happen(self) -> None:
        """One thing happens to one child, or to the master."""
        child = self.chance.choice(self.children)
        event = self.chance.choices(
            (self.answer, self.too_late, self.fail, self.lie, self.cut_off, self.nothing),
            (10, 3, 1, 1, 2, 3),
        )[0]
        event(child)
        if self.chance.random() < 0.06:
            self.federation = restarted(self.federation)
        self.federation.clock.tick(self.chance.choice((1, 5, 20)))
        for other in self.children:
            if not other.away:
                self.federation.beat(other, tasks=tuple(task.id for task in self.held(other)))
        self.federation.settle()

    def held(self, child: ChildInTest) -> list[Any]:
        return [task for task in child.tasks if task.id not in self.over | set(child.dropped)]

    def answer(self, child: ChildInTest) -> None:
        self.deliver(child, self.chance.uniform(-1, 1))

    def too_late(self, child: ChildInTest) -> None:
        """An update for work that the master has taken back."""
        forgotten = [task for task in child.tasks if task.id in set(child.dropped) - self.over]
        if forgotten and not child.away:
            self.send(child, forgotten[0], 1.0)

    def lie(self, child: ChildInTest) -> None:
        self.deliver(child, float("nan"))

    def fail(self, child: ChildInTest) -> None:
        if (task := self.next(child)) is not None:
            body = {"code": "trainer_died", "detail": "The trainer ended."}
            self.federation.post(f"/tasks/{task.id}/failure", body, child.token)
            self.over.add(task.id)

    def cut_off(self, child: ChildInTest) -> None:
        child.away = not child.away

    def nothing(self, _child: ChildInTest) -> None:
        """Time passes."""

    def next(self, child: ChildInTest) -> Any:
        if child.away:
            return None
        view = next(n for n in self.federation.get("/nodes")["nodes"] if n["id"] == child.id)
        if view["mode"] == "pull" and not self.held(child):
            self.federation.poll(child)
        return next(iter(self.held(child)), None)

    def deliver(self, child: ChildInTest, shift: float) -> None:
        if (task := self.next(child)) is not None:
            self.send(child, task, shift)

    def send(self, child: ChildInTest, task: Any, shift: float) -> None:
        one = ChildInTest(child.name, child.id, child.token, child.blobs, child.pushes, [task])
        update = trained(one, shift, num_examples=self.chance.randint(1, 8))
        for _ in range(self.chance.choice((1, 2))):
            assert self.federation.deliver(child, update, task.id).status_code in (200, 409, 422)
        self.over.add(task.id)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mode", MODES)
def test_whatever_happens_the_run_ends_and_adds_up(tmp_path: Path, mode: str, seed: int) -> None:
    story = Story(tmp_path, mode, seed)
    for _ in range(400):
        if story.federation.get(f"/runs/{story.run}")["state"] in ENDED:
            break
        story.happen()
    federation = story.federation
    view = federation.get(f"/runs/{story.run}")
    assert view["state"] in ENDED
    rounds = federation.get(f"/runs/{story.run}/rounds")["rounds"]
    check_tasks(rounds)
    check_models(federation, rounds, mode)
    check_ledger(federation, story.run, rounds)
    good = [r["weights_after"] for r in rounds if r["state"] == "closed"]
    assert view["weights"] == ([rounds[0]["weights_before"], *good][-1])
    federation.services.database.close()


def check_tasks(rounds: list[dict[str, Any]]) -> None:
    """Every task has one place, an end, and a reason unless it counts."""
    tasks = [task for view in rounds for task in view["tasks"]]
    assert len({task["id"] for task in tasks}) == len(tasks)
    for task in tasks:
        assert task["state"] in set(TaskState) - {"queued", "leased", "training", "submitted"}
        assert task["reason"] or task["state"] == "accepted", task
        assert not task["lost"]


def check_models(federation: Federation, rounds: list[dict[str, Any]], mode: str) -> None:
    """Each model is made of the updates that have a share, and of no others."""
    for view in rounds:
        counted = [update for update in view["updates"] if update["share"] is not None]
        if view["state"] != "closed":
            assert counted == []
            continue
        assert len(counted) >= view["quorum"]
        accepted = [update for update in view["updates"] if update["status"] == "accepted"]
        assert counted == accepted
        if not mode.startswith("fed"):
            check_average(federation, view, counted)
        for update in counted:
            assert update["staleness"] == view["number"] - 1 - update["base_round"]
            assert update["staleness"] <= (2 if mode == "fedbuff" else 10)


def check_average(
    federation: Federation, view: dict[str, Any], counted: list[dict[str, Any]]
) -> None:
    total = sum(update["num_examples"] for update in counted)
    blobs = [(u["num_examples"] / total, federation.weights(u["sha256"])) for u in counted]
    for name, array in federation.weights(view["weights_after"]).items():
        expected = sum(share * weights[name].astype(np.float64) for share, weights in blobs)
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)


def check_ledger(federation: Federation, run: str, rounds: list[dict[str, Any]]) -> None:
    counted = {u["task"] for view in rounds for u in view["updates"] if u["share"] is not None}
    ledger = federation.get(f"/runs/{run}/rewards")["ledger"]
    assert {entry["task"] for entry in ledger} <= counted
    closed = [view["number"] for view in rounds if view["state"] == "closed"]
    earned = {n: sum(e["credits"] for e in ledger if e["round"] == n) for n in closed}
    assert all(pool == pytest.approx(100) for pool in earned.values())
