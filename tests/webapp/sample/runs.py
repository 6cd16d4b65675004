"""One run of two rounds, and what came of it."""

from __future__ import annotations

from typing import Any

from federated.messages import Progress
from federated.states import RoundState, RunState, TaskState
from federated.views import (
    AuditView,
    CreditShare,
    CreditTrend,
    Event,
    ExcludedNode,
    LedgerEntry,
    Rewards,
    RoundCredits,
    RoundView,
    RunView,
    Standing,
    TaskView,
    UpdateView,
)
from tests.webapp.sample.facts import HASHES, NOW, PLAN, RUN


def update(name: str, number: int, examples: int, share: float) -> UpdateView:
    return UpdateView(
        task=f"task-{number}-{name}",
        node=f"node-{name}",
        node_name=name,
        status="accepted",
        num_examples=examples,
        num_steps=2 * number,
        metrics={
            "loss": 0.61 - 0.1 * number,
            "accuracy": 0.7 + 0.06 * number,
            "val_loss": 0.64 - 0.08 * number,
            "val_accuracy": 0.66 + 0.05 * number + 0.02 * (name == "site-2"),
            "val_examples": 4,
            "val_balanced_accuracy": 0.6 + 0.05 * number,
            "val_f1": 0.58 + 0.05 * number,
            # Site 2 alone has pictures of both classes in its validation part.
            **({"val_auc": 0.7 + 0.04 * number} if name == "site-2" else {}),
        },
        hyperparameters={"epochs": 1, "batch_size": 32},
        sha256=HASHES[number % 3],
        nbytes=16_700,
        seconds=2.4,
        audit=AuditView(
            verdict="accepted",
            reasons=("The signature fits.", "Every value is finite.", "The weights changed."),
            measured={"accuracy": 0.72, "loss": 0.55},
        ),
        share=share,
        credits=50.5,
    )


def figures(number: int) -> dict[str, float | None]:
    return {
        "loss": 0.62 - 0.08 * number,
        "accuracy": 0.66 + 0.06 * number,
        "balanced_accuracy": 0.65 + 0.06 * number,
        "auc": 0.71 + 0.05 * number,
        "auc_low": 0.65 + 0.05 * number,
        "auc_high": 0.77 + 0.05 * number,
    }


def round_(number: int, **changes: Any) -> RoundView:
    updates = [update("site-1", number, 15, 0.25), update("site-2", number, 45, 0.75)]
    facts: dict[str, Any] = {
        "run": RUN,
        "number": number,
        "state": RoundState.CLOSED,
        "reason": None,
        "opened_at": NOW - 100 + 20 * number,
        "closed_at": NOW - 90 + 20 * number,
        "deadline_at": NOW + 3600,
        "weights_before": HASHES[(number - 1) % 3],
        "weights_after": HASHES[number % 3],
        "tasks": [],
        "updates": updates,
        "excluded": [ExcludedNode(node="node-c", node_name="site-3", reason="has no pictures")],
        "evaluation": figures(number),
    }
    return RoundView(**facts | changes)


def run(**changes: Any) -> RunView:
    facts: dict[str, Any] = {
        "id": RUN,
        "study": "skin",
        "plan": PLAN,
        "plan_sha256": PLAN.sha256,
        "state": RunState.COMPLETED,
        "reason": None,
        "round": 2,
        "created_at": NOW - 120,
        "finished_at": NOW - 40,
        "weights": HASHES[2],
        "tasks": [],
        "evaluation": figures(2),
    }
    return RunView(**facts | changes)


def training_run() -> RunView:
    """A run whose second round is under way: one site trains, the other has delivered."""
    progress = Progress(epoch=2, epochs=4, step=5, steps=10, loss=0.41, accuracy=0.83)
    tasks = [
        _task(1, TaskState.TRAINING, changed_at=NOW - 2, progress=progress),
        _task(2, TaskState.SUBMITTED, changed_at=NOW - 1, progress=None),
    ]
    return run(state=RunState.RUNNING, tasks=tasks, finished_at=None)


def _task(site: int, state: TaskState, **facts: Any) -> TaskView:
    return TaskView(
        id=f"t{site}",
        node=f"node-site-{site}",
        node_name=f"site-{site}",
        round=2,
        state=state,
        reason=None,
        created_at=NOW - 9,
        **facts,
    )


def rewards() -> Rewards:
    ledger = [
        LedgerEntry(
            id=place,
            at=NOW - 100 + 10 * place,
            node=f"node-{name}",
            node_name=name,
            run=RUN,
            round=1 + place // 2,
            task=f"task-{place}",
            credits=amount,
            reason=f"Accuracy 0.7{place} on the audit pictures: {amount} of the pool of 100",
        )
        for place, (name, amount) in enumerate(
            [("site-1", 49.0), ("site-2", 51.0), ("site-1", 52.5), ("site-2", 47.5)]
        )
    ]
    board = [
        Standing(
            rank=1 + place,
            node=f"node-{name}",
            node_name=name,
            credits=amount,
            updates=3,
            pending=1,
            recent_average=average,
        )
        for place, (name, amount, average) in enumerate(
            [("site-1", 101.5, 10.05), ("site-2", 98.5, 9.75)]
        )
    ]
    rounds = [credits_pending(3), credits_granted(2), credits_granted(1, policy="accuracy")]
    trend = [
        CreditTrend(
            node=f"node-{name}",
            node_name=name,
            points=[(NOW - 100, first), (NOW - 80, first + then)],
        )
        for name, first, then in [("site-1", 49.0, 52.5), ("site-2", 51.0, 47.5)]
    ]
    return Rewards(ledger=ledger, leaderboard=board, rounds=rounds, trend=trend, entries=4)


def credits_granted(number: int, policy: str = "shapley") -> RoundCredits:
    """A round whose second site cost some accuracy."""
    shares = [
        CreditShare(
            task=f"task-{number}-{site}",
            node=f"node-site-{site}",
            node_name=f"site-{site}",
            num_examples=pictures,
            compared=0.7 + contribution,
            contribution=contribution,
            credits=amount,
        )
        for site, pictures, contribution, amount in [
            (1, 15, 0.063, 52.5), (2, 45, 0.057, 47.5), (3, 9, -0.041, 0.0)
        ]
    ]  # fmt: skip
    measured = {"before": 0.7, "after": 0.779, "orders": 6, "models": 8, "most_models": 200}
    return RoundCredits(
        run=RUN,
        round=number,
        policy=policy,
        pool=100,
        state="granted",
        created_at=NOW - 80,
        settled_at=NOW - 70,
        updates=shares,
        **(measured if policy == "shapley" else {}),
    )


def credits_pending(number: int) -> RoundCredits:
    """A round of which a few models are measured."""
    shares = [
        CreditShare(
            task=f"task-{number}-{site}",
            node=f"node-site-{site}",
            node_name=f"site-{site}",
            num_examples=15,
            compared=None,
            contribution=None,
            credits=0,
        )
        for site in (1, 2)
    ]
    facts = {"models": 12, "most_models": 200, "created_at": NOW - 10, "updates": shares}
    return RoundCredits(run=RUN, round=number, policy="shapley", pool=100, state="pending", **facts)


def events() -> list[Event]:
    told = [
        "site-1 joined",
        "Sent the global model of round 0 to site-1 (HTTP 201)",
        "Round 1 opened for 2 sites",
        "site-2 delivered 16.7 kB for round 1",
        "Round 1 averaged 2 of 2 updates",
    ]
    return [
        Event(id=place + 1, at=NOW - 60 + 9 * place, run=RUN, kind="told", text=sentence)
        for place, sentence in enumerate(told)
    ]
