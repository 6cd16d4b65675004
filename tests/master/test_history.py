"""What a run leaves to be read: weights, statistics, models, events, a table."""

from __future__ import annotations

import csv
import io

import pytest

from tests.master.federation import Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}


def test_a_node_reads_no_updates(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    update = federation.get(f"/runs/{run}/rounds/1")["updates"][0]["sha256"]
    for token, status in ((a.token, 404), (federation.viewer, 404), (federation.operator, 200)):
        assert federation.call("GET", f"/weights/{update}", token).status_code == status


def test_a_blob_is_read_in_parts_and_not_twice(federation: Federation) -> None:
    weights = federation.study()["current"]["weights"]
    whole = federation.call("GET", f"/weights/{weights}").get_data()
    headers = {"Authorization": f"Bearer {federation.viewer}"}
    url = f"/api/v1/weights/{weights}"
    part = federation.http.get(url, buffered=True, headers=headers | {"Range": "bytes=4-9"})
    assert (part.status_code, part.get_data()) == (206, whole[4:10])
    several = federation.http.get(url, buffered=True, headers=headers | {"Range": "bytes=0-1,4-9"})
    assert (several.status_code, several.get_data()) == (200, whole)
    known = federation.http.get(
        url, buffered=True, headers=headers | {"If-None-Match": f'"{weights}"'}
    )
    assert known.status_code == 304


def test_statistics_before_and_after_a_round(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 2.0, 10))
    found = federation.get(f"/runs/{run}/statistics?round=1")
    assert found["after"]["all"]["mean"] == pytest.approx(found["before"]["all"]["mean"] + 2)
    assert federation.get("/studies/skin/statistics") == found["after"]


def test_a_model_is_exported_once(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 2.0, 10))
    answers = [federation.call("GET", f"/runs/{run}/model?round={n}") for n in (0, 1, 1)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert federation.evaluator.calls.count("export") == 2
    assert "skin-round-1.keras" in answers[1].headers["Content-Disposition"]
    assert federation.call("GET", f"/runs/{run}/model?round=2").status_code == 404
    assert federation.call("GET", f"/runs/{run}/model?round=-1").status_code == 422


def test_events_come_in_order_behind_a_number(federation: Federation) -> None:
    federation.study()
    a = federation.site("clinic-a")
    run = federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    events = federation.get(f"/runs/{run}/events")["events"]
    kinds = [event["kind"] for event in events]
    for kind in ("run_created", "round_open", "task_leased", "task_accepted", "run_completed"):
        assert kinds.count(kind) == 1
    for event in events:
        assert run not in event["text"]
        assert a.id not in event["text"]
    (started,) = [event for event in events if event["kind"] == "task_leased"]
    assert started["text"] == "clinic-a has started round 1"
    assert started["data"] == {
        "task": a.tasks[-1].id,
        "node": a.id,
        "round": 1,
        "state": "leased",
        "reason": None,
    }
    later = federation.get(f"/runs/{run}/events?after={events[3]['id']}")["events"]
    assert later == events[4:]


def test_the_history_has_one_row_a_round_and_site(federation: Federation) -> None:
    federation.study()
    a, b = federation.site("clinic-a", 30), federation.site("clinic-b", 90)
    run = federation.run(**PLAN)
    metrics = {"val_accuracy": 0.5, "val_examples": 4.0}
    federation.deliver(a, trained(a, 1.0, num_examples=20, metrics=metrics))
    federation.give_up(b, "=HYPERLINK(1)")
    text = federation.call("GET", f"/runs/{run}/history.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["site"] for row in rows] == ["clinic-a", "clinic-b"]
    assert (rows[0]["share"], rows[0]["val_accuracy"]) == ("1.0", "0.5")
    assert rows[1]["task_state"] == "failed"
    assert rows[1]["reason"].startswith("'=")
