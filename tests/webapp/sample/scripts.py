"""What each server of the sample federation answers to each call."""

from __future__ import annotations

from federated.states import RunState
from federated.views import (
    AbleNode,
    DiskView,
    ModelSetting,
    ModelsView,
    ModelView,
    PlanCheck,
    PlanView,
    RoundStatistics,
    SystemView,
    WorkerView,
)
from tests.webapp import compared
from tests.webapp.drawn import png
from tests.webapp.evaluated import report
from tests.webapp.sample.at_a_site import (
    alike,
    held,
    import_sources,
    imported,
    participation,
    pictures,
    prediction,
    status,
    uploads,
)
from tests.webapp.sample.courses import changes, paired, rounds_told
from tests.webapp.sample.facts import HASHES, NOW, PLAN, RUN, weights
from tests.webapp.sample.runs import events, rewards, round_, run
from tests.webapp.sample.sites import node, nodes, study
from tests.webapp.scripted import CHILDREN, MASTER, Answer, Call, Script, ok


def federation() -> dict[str, Script]:
    """The scripts of all servers."""
    return {MASTER: master(), **{url: child(name) for name, url in CHILDREN.items()}}


def master() -> Script:
    """A master with one finished run."""
    rounds = [round_(1), round_(2)]
    return {
        "GET nodes": ok({"nodes": nodes()}),
        "GET studies": ok({"studies": [study()]}),
        "GET plans": ok({"plans": plans()}),
        "GET models": ok(models()),
        "GET system": ok(system()),
        "GET runs": ok({"runs": [run()]}),
        f"GET runs/{RUN}": ok(run()),
        **rounds_told(rounds),
        f"GET runs/{RUN}/changes": ok(changes()),
        f"GET runs/{RUN}/events": ok({"events": events()}),
        "GET studies/skin/paired": ok(paired(0.51, compared.WIDE, compared.NARROW)),
        f"GET runs/{RUN}/statistics": _round_statistics,
        f"GET runs/{RUN}/evaluation": ok(
            {"round": 2, "test": report(), "audit": None, "note": None}
        ),
        "GET rewards": ok(rewards()),
        f"GET runs/{RUN}/rewards": ok(rewards()),
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


def empty_master() -> Script:
    """A master that just started: no study, no site, no run."""
    return {
        "GET nodes": ok({"nodes": []}),
        "GET studies": ok({"studies": []}),
        "GET plans": ok({"plans": []}),
        "GET system": ok(system()),
        "GET runs": ok({"runs": []}),
        "GET rewards": ok({"ledger": [], "leaderboard": []}),
        "GET events": ok({"events": []}),
    }


def child(name: str = "site-1") -> Script:
    """A child that holds six pictures and a trained model."""
    script: Script = {
        "GET status": ok(status(name)),
        "GET participation": ok(participation()),
        "GET images": ok({"images": pictures(), "total": 6}),
        "POST images": ok(uploads(), 201),
        "GET images/alike": ok(alike()),
        "GET imports/sources": ok(import_sources()),
        "GET imports": ok({"imports": []}),
        "POST imports": ok(imported(), 202),
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
    return {
        "GET status": ok(status(name, studies=[nothing])),
        "GET participation": ok(participation(departures=[])),
    }


def system() -> SystemView:
    return SystemView(
        started_at=NOW - 7200,
        now=NOW,
        versions={"Commonsight": "0.1.0", "Python": "3.11.2"},
        database="SQLite 3.40.1",
        disk=DiskView(total=100 * 10**9, free=5 * 10**9, blobs=7 * 10**6, blob_count=12),
        worker=WorkerView(alive=False),
        settings={"port": "8501", "lease-seconds": "60.0"},
        states={"nodes": {"active": 2}, "runs": {"completed": 1}},
        log=["2027-01-15 08:00:00 INFO master: Round 2 closed"],
    )


def models() -> ModelsView:
    dropout = ModelSetting(
        name="dropout", default=0.3, help="Share of units dropped.", minimum=0, maximum=0.9
    )
    head = ModelSetting(name="pooling", default="mean", help="How.", choices=("mean", "max"))
    small = ModelView(name="cnn10", summary="Ten layers.", settings=(dropout, head))
    return ModelsView(
        models=(small, ModelView(name="resnet18", summary="A residual network.", imagenet=True)),
        weights=("mine.h5",),
    )


def plans() -> list[PlanView]:
    slow = PLAN.model_copy(update={"rounds": 10})
    return [
        PlanView(name="demo", title="Demo", description="Two quick rounds.", plan=PLAN),
        PlanView(name="long", title="Ten rounds", description="Ten rounds.", plan=slow),
    ]


def _events(call: Call) -> Answer:
    return ok({"events": [e for e in events() if e.id > int(call.query.get("after", 0))]})


def _round_statistics(call: Call) -> Answer:
    number = int(call.query["round"])
    return ok(
        RoundStatistics(run=RUN, round=number, before=weights(number - 1), after=weights(number))
    )
