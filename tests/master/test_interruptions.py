"""Pauses, outages and failures in between: work is free again, and times are the round's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from master.store.tables import EventRow
from tests.master.federation import Clock, Federation, trained
from tests.master.test_plan_check import write_index
from tests.master.test_restart import restarted

PLAN = {"privacy": {"min_examples": 5}, "training": {"epochs": 1}}


def buffered(buffer: int) -> dict[str, Any]:
    return {"strategy": {"name": "fedbuff", "settings": {"buffer": buffer}}}


@pytest.fixture
def on_batches(tmp_path: Path) -> dict[str, Any]:
    """A plan with as many batches as sites: one that is burnt is missed."""
    write_index(tmp_path / "batches", (7, 3), (5, 6))
    data = {"kind": "batches", "url": str(tmp_path / "batches")}
    return {"rounds": 1, "training": {"epochs": 1}, "data": data, "quorum": 2} | buffered(2)


def test_a_batch_that_a_pause_took_back_is_handed_out_again(
    federation: Federation, on_batches: dict[str, Any]
) -> None:
    federation.study()
    for name in ("c-a", "c-b"):
        federation.site(name, labelled=0, pull=True)
    run = federation.run(**on_batches)
    federation.post(f"/runs/{run}/pause")
    federation.settle()
    federation.post(f"/runs/{run}/resume")
    federation.settle()
    view = federation.get(f"/runs/{run}")
    assert view["state"] == "running"
    coming = [task["batch"] for task in view["tasks"] if task["state"] == "queued"]
    assert len(set(coming)) == 2


def test_a_site_that_fails_burns_no_batch(
    federation: Federation, on_batches: dict[str, Any]
) -> None:
    federation.study()
    a, b = (federation.site(name, labelled=0) for name in ("c-a", "c-b"))
    run = federation.run(**on_batches)
    federation.deliver(b, trained(b, 1.0, 5))
    failure = {"code": "trainer_died", "detail": "The training process ended."}
    federation.post(f"/tasks/{a.tasks[-1].id}/failure", failure, a.token)
    federation.settle()
    assert federation.get(f"/runs/{run}")["state"] == "running"


def test_an_extension_is_as_long_as_the_round_was_meant_to_be(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    sites = [federation.site(name) for name in ("c-a", "c-b")]
    run = federation.run(**PLAN, rounds=1, quorum=2, deadline_seconds=100)
    clock.tick(36_000)
    after = restarted(federation)
    clock.tick(70)
    for site in sites:
        after.beat(site, tasks=(site.tasks[-1].id,))
    after.settle()
    view = after.get(f"/runs/{run}/rounds/1")
    after.services.database.close()
    assert view["extended"]
    assert view["deadline_at"] - clock() <= 100


def test_an_extension_after_a_pause_does_not_last_as_long_as_the_pause(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    sites = [federation.site(name) for name in ("c-a", "c-b")]
    run = federation.run(**PLAN, rounds=1, quorum=2, deadline_seconds=100, **buffered(2))
    federation.post(f"/runs/{run}/pause")
    clock.tick(3 * 86_400)
    for step in ("resume", None):
        for site in sites:
            federation.beat(site, tasks=(site.tasks[-1].id,))
        if step is not None:
            federation.post(f"/runs/{run}/{step}")
            federation.settle()
            clock.tick(101)
    federation.settle()
    view = federation.get(f"/runs/{run}/rounds/1")
    assert view["extended"]
    assert view["deadline_at"] - clock() <= 100


def test_a_run_that_waits_for_sites_waits_its_whole_time_after_an_outage(
    federation: Federation, clock: Clock
) -> None:
    federation.study()
    a, b = (federation.site(name) for name in ("c-a", "c-b"))
    run = federation.run(**PLAN, rounds=2, quorum=2, deadline_seconds=100)
    federation.deliver(a, trained(a, 1.0, 5))
    clock.tick(15)
    federation.beat(a)
    federation.queues.held = ("audit/",)
    federation.deliver(b, trained(b, 2.0, 5))
    clock.tick(25)
    federation.beat(a)
    federation.queues.release()
    federation.settle()
    assert federation.get(f"/runs/{run}")["reason"].startswith("waiting for sites")
    after = restarted(federation)
    after.settle()
    state = after.get(f"/runs/{run}")["state"]
    after.services.database.close()
    assert state == "running"


def test_a_verdict_that_is_awaited_ends_nobodys_work(federation: Federation, clock: Clock) -> None:
    federation.study()
    a, b, c = (federation.site(name) for name in ("c-a", "c-b", "c-c"))
    run = federation.run(**PLAN, rounds=1, quorum=2, deadline_seconds=50)
    federation.deliver(a, trained(a, 1.0, 5))
    clock.tick(45)
    for site in (b, c):
        federation.beat(site, tasks=(site.tasks[-1].id,))
    federation.queues.held = ("audit/",)
    # An unchanged model just before the deadline, which the audit will reject.
    federation.deliver(b, trained(b, 0.0, 5))
    clock.tick(6)
    federation.settle()
    for site in (a, b):
        federation.beat(site)
    federation.beat(c, tasks=(c.tasks[-1].id,))
    federation.queues.release()
    federation.settle()
    federation.deliver(c, trained(c, 3.0, 15))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert view["extended"]
    assert {update["node_name"]: update["status"] for update in view["updates"]} == {
        "c-a": "accepted",
        "c-b": "rejected",
        "c-c": "accepted",
    }
    assert len(c.tasks) == 1


def test_a_resumed_run_goes_on_from_what_another_has_made_meanwhile(
    federation: Federation,
) -> None:
    federation.study()
    a = federation.site("c-a")
    first = federation.run(**PLAN, rounds=2)
    federation.post(f"/runs/{first}/pause")
    federation.deliver(a, trained(a, 100.0, 5))
    other = federation.run(**PLAN, rounds=1)
    federation.deliver(a, trained(a, 1.0, 5))
    assert federation.get(f"/runs/{other}")["state"] == "completed"
    newest = federation.get("/studies/skin")["current"]["weights"]
    federation.post(f"/runs/{first}/resume")
    federation.settle()
    assert federation.get(f"/runs/{first}/rounds/2")["weights_before"] == newest


def test_what_a_stopped_run_had_accepted_ends_with_the_reason(federation: Federation) -> None:
    federation.study()
    a, _ = (federation.site(name) for name in ("c-a", "c-b"))
    run = federation.run(**PLAN, rounds=3, **buffered(2))
    federation.deliver(a, trained(a, 1.0, 5))
    federation.post(f"/runs/{run}/stop")
    federation.settle()
    tasks = federation.get(f"/runs/{run}/rounds/1")["tasks"]
    assert [(task["state"], task["reason"]) for task in tasks] == [
        ("late", "stopped by the operator"),
        ("cancelled", "stopped by the operator"),
    ]


def test_a_node_that_changes_its_mind_about_its_model_fills_no_table(
    federation: Federation,
) -> None:
    federation.study()
    a, b = federation.site("c-a"), federation.site("c-b", pull=True)
    federation.run(**PLAN, rounds=1, quorum=1, close="quorum")
    old = federation.get("/studies/skin")["current"]["weights"]
    federation.deliver(a, trained(a, 1.0, 5))
    new = federation.get("/studies/skin")["current"]["weights"]
    before = events(federation)
    for weights in (old, new) * 20:
        counts = {"benign": 10, "malignant": 10}
        body = {"studies": {"skin": {"counts": counts, "weights": weights}}}
        federation.post(f"/nodes/{b.id}/heartbeat", body, b.token)
    assert events(federation) - before <= 1


def events(federation: Federation) -> int:
    with federation.services.database.read() as session:
        return session.scalar(select(func.count()).select_from(EventRow)) or 0
