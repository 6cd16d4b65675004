"""The study and its two sites, as the master describes them."""

from __future__ import annotations

from typing import Any

from federated.states import NodeState
from federated.views import CurrentModel, NodeView, ReceivedModel, StudyView
from tests.webapp.sample.facts import HASHES, NOW, PLAN, RUN, STUDY


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
