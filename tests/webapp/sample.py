"""A small federation as its servers would describe it: two sites, one run of two rounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from federated.messages import Progress
from federated.plan import Plan, Privacy
from federated.states import NodeState, RoundState, RunState, TaskState
from federated.statistics import WeightStatistics, statistics
from federated.study import Study
from federated.views import (
    AbleNode,
    AuditView,
    ChildStatus,
    ChildStudy,
    CurrentModel,
    Event,
    ExcludedNode,
    LedgerEntry,
    NodeView,
    PictureView,
    PlanCheck,
    PlanView,
    Prediction,
    ReceivedModel,
    Rewards,
    RoundStatistics,
    RoundView,
    RunView,
    Standing,
    StudyView,
    TaskView,
    UpdateView,
    UploadView,
)
from tests.webapp import compared
from tests.webapp.drawn import png
from tests.webapp.evaluated import report
from tests.webapp.scripted import CHILDREN, MASTER, Answer, Call, Script, ok

NOW = 1_800_000_000.0
STUDY = Study(id="skin", name="Skin lesions", classes=("benign", "malignant"), size=96)
PLAN = Plan(privacy=Privacy(min_examples=1), rounds=2)
HASHES = ["a1" * 32, "b2" * 32, "c3" * 32]
RUN = "run-0001"


def weights(seed: int) -> WeightStatistics:
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(0, 0.05, 4000), rng.normal(0.01, 0.02, 32)
    whole = np.concatenate([kernel, bias])
    tensors = {"conv1/kernel": statistics(kernel), "conv1/bias": statistics(bias)}
    return WeightStatistics(all=statistics(whole), tensors=tensors)


def study(**changes: Any) -> StudyView:
    current = CurrentModel(
        model="cnn10", weights=HASHES[2], run=RUN, round=2, parameters=4032, nbytes=16_500
    )
    facts: dict[str, Any] = {
        "study": STUDY,
        "plan": PLAN,
        "created_at": NOW - 900,
        "current": current,
        "problem": None,
        "pictures": {
            "audit": {"benign": 20, "malignant": 20},
            "test": {"benign": 30, "malignant": 30},
        },
    }
    return StudyView(**facts | changes)


def node(name: str, benign: int, malignant: int, **changes: Any) -> NodeView:
    received = ReceivedModel(
        study="skin",
        weights=HASHES[2],
        round=2,
        http_status=201,
        detail="received global model",
        at=NOW - 4,
    )
    facts: dict[str, Any] = {
        "id": f"node-{name}",
        "name": name,
        "state": NodeState.ACTIVE,
        "url": f"http://127.0.0.1/{name}",
        "version": "0.1.0",
        "joined_at": NOW - 800,
        "last_seen": NOW - 3,
        "reachable": True,
        "activity": "idle",
        "studies": {"skin": {"benign": benign, "malignant": malignant}},
        "new_labelled": {"skin": 3},
        "received": {"skin": received},
        "credits": 101.5,
    }
    return NodeView(**facts | changes)


def nodes() -> list[NodeView]:
    return [node("site-1", 12, 7), node("site-2", 25, 31, credits=98.5)]


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
        TaskView(
            id="t1",
            node="node-site-1",
            node_name="site-1",
            round=2,
            state=TaskState.TRAINING,
            reason=None,
            progress=progress,
            created_at=NOW - 9,
            changed_at=NOW - 2,
        ),
        TaskView(
            id="t2",
            node="node-site-2",
            node_name="site-2",
            round=2,
            state=TaskState.SUBMITTED,
            reason=None,
            progress=None,
            created_at=NOW - 9,
            changed_at=NOW - 1,
        ),
    ]
    return run(state=RunState.RUNNING, tasks=tasks, finished_at=None)


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
        Standing(rank=1, node="node-site-1", node_name="site-1", credits=101.5, updates=2),
        Standing(rank=2, node="node-site-2", node_name="site-2", credits=98.5, updates=2),
    ]
    return Rewards(ledger=ledger, leaderboard=board)


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


def plans() -> list[PlanView]:
    slow = PLAN.model_copy(update={"rounds": 10})
    return [
        PlanView(name="demo", title="Demo", description="Two quick rounds.", plan=PLAN),
        PlanView(name="long", title="Ten rounds", description="Ten rounds.", plan=slow),
    ]


def master() -> Script:
    """A master with one finished run."""
    rounds = [round_(1), round_(2)]
    return {
        "GET nodes": ok({"nodes": nodes()}),
        "GET studies": ok({"studies": [study()]}),
        "GET plans": ok({"plans": plans()}),
        "GET runs": ok({"runs": [run()]}),
        f"GET runs/{RUN}": ok(run()),
        f"GET runs/{RUN}/rounds": ok({"rounds": rounds}),
        f"GET runs/{RUN}/rounds/2": ok(round_(2, state=RoundState.OPEN)),
        f"GET runs/{RUN}/statistics": _round_statistics,
        f"GET runs/{RUN}/evaluation": ok(
            {"round": 2, "test": report(), "audit": None, "note": None}
        ),
        "GET rewards": ok(rewards()),
        "GET events": _events,
        f"GET weights/{HASHES[2]}/statistics": ok(weights(2)),
        "GET studies/skin/comparison": ok(compared.comparison()),
        f"GET runs/{RUN}/model": ok(b"keras file"),
        f"GET runs/{RUN}/history.csv": ok(b"round,node\n1,site-1\n"),
        "POST plans/check": ok(
            PlanCheck(nodes=[AbleNode(node=n.id, node_name=n.name) for n in nodes()])
        ),
        "POST runs": ok(run(state=RunState.PENDING), 201),
        f"POST runs/{RUN}/pause": ok({}),
        f"POST runs/{RUN}/resume": ok({}),
        f"POST runs/{RUN}/stop": ok({}),
        "POST join-tokens": ok({"token": "join-once-1234", "expires_at": NOW}, 201),
        "PATCH nodes/node-site-1": ok(node("site-1", 12, 7)),
    }


def _events(call: Call) -> Answer:
    return ok({"events": [e for e in events() if e.id > int(call.query["after"])]})


def empty_master() -> Script:
    """A master that just started: no study, no site, no run."""
    return {
        "GET nodes": ok({"nodes": []}),
        "GET studies": ok({"studies": []}),
        "GET plans": ok({"plans": []}),
        "GET runs": ok({"runs": []}),
        "GET rewards": ok({"ledger": [], "leaderboard": []}),
        "GET events": ok({"events": []}),
    }


def _round_statistics(call: Call) -> Answer:
    number = int(call.query["round"])
    return ok(
        RoundStatistics(run=RUN, round=number, before=weights(number - 1), after=weights(number))
    )


def held(**changes: Any) -> ChildStudy:
    facts: dict[str, Any] = {
        "study": STUDY,
        "model": "cnn10",
        "weights": HASHES[2],
        "run": RUN,
        "round": 2,
        "received_at": NOW - 5,
        "statistics": weights(2),
        "counts": {"benign": 3, "malignant": 2},
        "unlabelled": 1,
        "new_labelled": 2,
    }
    return ChildStudy(**facts | changes)


def status(name: str = "site-1", **changes: Any) -> ChildStatus:
    facts: dict[str, Any] = {
        "name": name,
        "version": "0.1.0",
        "mode": "push",
        "master": MASTER,
        "master_reachable": True,
        "last_contact": NOW - 2,
        "node_state": NodeState.ACTIVE,
        "activity": "idle",
        "task": None,
        "studies": [held()],
        "storage": f"They lie on this computer, in the folder of {name}.",
        "demo": True,
    }
    return ChildStatus(**facts | changes)


def picture(place: int, label: str | None) -> PictureView:
    return PictureView(
        id=f"{place:064x}",
        study="skin",
        label=label,
        part="train" if place else None,
        width=96,
        height=96,
        added_at=NOW - place,
    )


def pictures() -> list[PictureView]:
    labels = ["benign", "benign", "benign", "malignant", "malignant", None]
    return [picture(place, label) for place, label in enumerate(labels)]


def uploads() -> dict[str, Any]:
    return {
        "images": [
            UploadView(
                status="stored",
                name="benign_1.jpg",
                detail="Stored.",
                picture=picture(1, "benign"),
                label_source="file_name",
                original=(640, 480),
                removed=("GPS position", "file name"),
            ),
            UploadView(
                status="refused",
                name="notes.jpg",
                detail="This is not a picture. Expected JPEG or PNG. Received text.",
                error="not_a_picture",
            ),
        ]
    }


def prediction() -> Prediction:
    return Prediction(
        study="skin",
        probabilities={"malignant": 0.82, "benign": 0.18},
        uncertainty=0.68,
        weights=HASHES[2],
        run=RUN,
        round=2,
        removed=("GPS position",),
    )


def child(name: str = "site-1") -> Script:
    """A child that holds six pictures and a trained model."""
    script: Script = {
        "GET status": ok(status(name)),
        "GET images": ok({"images": pictures(), "total": 6}),
        "POST images": ok(uploads(), 201),
        "POST predict": ok(prediction()),
    }
    for entry in pictures():
        script[f"GET images/{entry.id}/thumbnail"] = ok(png(int(entry.id, 16)))
        script[f"PATCH images/{entry.id}"] = ok(entry)
        script[f"DELETE images/{entry.id}"] = ok(b"", 204)
    return script


def empty_child(name: str = "site-1") -> Script:
    """A child that has a study and an untrained model, and no picture."""
    nothing = held(round=0, run=None, counts={}, unlabelled=0, new_labelled=0)
    return {"GET status": ok(status(name, studies=[nothing]))}


def federation() -> dict[str, Script]:
    """The scripts of all servers."""
    return {MASTER: master(), **{url: child(name) for name, url in CHILDREN.items()}}
