"""Only a site that the operator approved is called, at the address that was approved."""

from __future__ import annotations

import pytest

from tests.master.federation import Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}


def test_a_site_that_waits_for_approval_is_not_called(federation: Federation) -> None:
    federation.study()
    child = federation.join("clinic-a", approve=False)
    federation.beat(child)
    federation.settle()
    assert federation.children.calls == []
    federation.call("PATCH", f"/nodes/{child.id}", json={"state": "active"})
    federation.settle()
    assert len(child.pushes) == 1


def test_a_suspended_site_is_left_alone(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "suspended"})
    federation.settle()
    assert federation.get(f"/runs/{run}")["tasks"][0]["state"] == "cancelled"
    assert federation.beat(a, tasks=(a.tasks[-1].id,))["cancelled"] == [a.tasks[-1].id]
    again = federation.call("POST", "/runs", json={"study": "skin", "plan": PLAN})
    assert "suspended by the operator" in again.get_json()["detail"]


def test_what_a_suspended_site_has_sent_no_longer_counts(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a"), federation.site("clinic-b")
    run = federation.run(**PLAN)
    federation.queues.held = ("audit/",)
    federation.deliver(b, trained(b, 5.0, 10))
    federation.call("PATCH", f"/nodes/{b.id}", json={"state": "suspended"})
    federation.queues.release()
    federation.deliver(a, trained(a, 1.0, 10))
    view = federation.get(f"/runs/{run}/rounds/1")
    assert [task["state"] for task in view["tasks"]] == ["accepted", "cancelled"]
    assert [update["share"] for update in view["updates"]] == [1.0, None]


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("http://127.0.0.1:4711", "active"),
        ("https://127.0.0.1:90", "pending"),
        ("https://169.254.169.254", "pending"),
        ("http://localhost:90", "pending"),
    ],
)
def test_a_site_that_asks_for_calls_to_another_machine_waits_for_approval(
    federation: Federation, clock: Clock, address: str, state: str
) -> None:
    federation.study()
    a = federation.site("clinic-a")
    assert federation.beat(a, url=address)["state"] == state
    federation.settle()
    (node,) = federation.get("/nodes")["nodes"]
    assert (node["url"], node["state"]) == (address, state)
    # A model that it does not hold would be sent to it.
    a.pushes.clear()
    clock.tick(1)
    federation.beat(a, url=address)
    federation.settle()
    assert bool(a.pushes) is (state == "active")
    if state == "active":
        return
    event = federation.get("/events")["events"][-1]
    assert (event["kind"], event["data"]["node"]) == ("node_pending", a.id)
    assert address in event["text"]
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "active"})
    federation.settle()
    assert federation.children.calls[-1][2] == address


def test_a_suspended_site_stays_suspended_wherever_it_moves(federation: Federation) -> None:
    a = federation.join("clinic-a")
    federation.call("PATCH", f"/nodes/{a.id}", json={"state": "suspended"})
    assert federation.beat(a, url="https://elsewhere.example")["state"] == "suspended"
