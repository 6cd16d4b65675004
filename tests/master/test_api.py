"""Every route: who may call it, and what it says of things that are not there."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from tests.master.federation import PUSH_TOKEN, Clock, Federation, trained

PLAN = {"rounds": 1, "privacy": {"min_examples": 5}}
NOTHING = "0" * 64

PEOPLE, OPERATOR, NODE = {"operator", "viewer"}, {"operator"}, {"node"}

ROUTES = [
    ("POST", "/join-tokens", OPERATOR),
    ("GET", "/nodes", PEOPLE),
    ("PATCH", "/nodes/none", OPERATOR),
    ("POST", "/nodes/none/heartbeat", NODE),
    ("POST", "/studies", OPERATOR),
    ("GET", "/studies", PEOPLE),
    ("GET", "/studies/none", PEOPLE),
    ("GET", "/studies/none/statistics", PEOPLE),
    ("GET", "/studies/none/comparison", PEOPLE),
    ("GET", "/studies/none/model", PEOPLE),
    ("POST", "/studies/none/images", OPERATOR),
    ("GET", "/plans", PEOPLE),
    ("POST", "/plans/check", OPERATOR),
    ("POST", "/runs", OPERATOR),
    ("GET", "/runs", PEOPLE),
    ("GET", "/runs/none", PEOPLE),
    ("GET", "/runs/none/batches", PEOPLE),
    ("POST", "/runs/none/pause", OPERATOR),
    ("POST", "/runs/none/resume", OPERATOR),
    ("POST", "/runs/none/stop", OPERATOR),
    ("GET", "/runs/none/rounds", PEOPLE),
    ("GET", "/runs/none/rounds/1", PEOPLE),
    ("GET", "/runs/none/statistics", PEOPLE),
    ("GET", "/runs/none/evaluation", PEOPLE),
    ("GET", "/runs/none/rewards", PEOPLE),
    ("GET", "/runs/none/events", PEOPLE),
    ("GET", "/runs/none/model", PEOPLE),
    ("GET", "/runs/none/history.csv", PEOPLE),
    ("GET", "/runs/none/cross-site", PEOPLE),
    ("GET", "/rewards", PEOPLE),
    ("GET", "/events", PEOPLE),
    ("GET", f"/weights/{NOTHING}", PEOPLE | NODE),
    ("GET", f"/weights/{NOTHING}/statistics", PEOPLE),
    ("GET", "/tasks/next", NODE),
    ("POST", "/tasks/none/progress", NODE),
    ("PUT", "/tasks/none/update", NODE),
    ("PUT", "/tasks/none/evaluation", NODE),
    ("POST", "/tasks/none/failure", NODE),
]

BODIES = {
    "/nodes/none": {"state": "active"},
    "/runs": {"study": "none"},
    "/tasks/none/failure": {"code": "x", "detail": "x"},
}


def test_every_route_of_the_application_is_in_the_list(federation: Federation) -> None:
    listed = {
        (method, path.replace("/none", "/<>").replace(NOTHING, "<>").replace("/1", "/<>"))
        for method, path, _ in ROUTES
    }
    found = {
        (method, re.sub(r"<[^>]+>", "<>", rule.rule.removeprefix("/api/v1")))
        for rule in federation.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert found - listed == {("POST", "/nodes")}


@pytest.mark.parametrize(("method", "path", "roles"), ROUTES)
def test_roles(federation: Federation, method: str, path: str, roles: set[str]) -> None:
    node = federation.join("clinic-a")
    tokens = {"operator": federation.operator, "viewer": federation.viewer, "node": node.token}
    bare = federation.http.open(f"/api/v1{path}", method=method)
    assert (bare.status_code, bare.get_json()["error"]) == (401, "not_authenticated")
    wrong = federation.call(method, path, "not a token", json=BODIES.get(path, {}))
    assert wrong.status_code == 401
    for role, token in tokens.items():
        answer = federation.call(method, path, token, json=BODIES.get(path, {}))
        if role not in roles:
            assert answer.status_code == 403, role
        elif "none" in path or NOTHING in path or (method, path) == ("POST", "/runs"):
            assert answer.status_code in (404, 422), answer.get_data()
            assert set(answer.get_json()) == {"error", "detail"}
        else:
            assert answer.status_code not in (401, 403, 404, 500)


def test_a_join_token_opens_nothing_and_is_used_once(federation: Federation) -> None:
    headers = {"Authorization": f"Bearer {federation.operator}"}
    # As a person would with curl: no body, no content type.
    token = federation.http.post("/api/v1/join-tokens", headers=headers).get_json()["token"]
    assert federation.call("GET", "/nodes", token).status_code == 401
    request = {"join_token": token, "name": "clinic-a"}
    assert federation.post("/nodes", request)["state"] == "pending"
    again = federation.call("POST", "/nodes", json=request | {"name": "clinic-b"})
    assert (again.status_code, again.get_json()["error"]) == (401, "bad_join_token")


def test_a_child_that_missed_the_answer_may_enrol_again_until_it_is_heard_of(
    federation: Federation,
) -> None:
    federation.study()
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {
        "join_token": token,
        "name": "clinic-a",
        "url": "http://127.0.0.1:9",
        "push_token": PUSH_TOKEN,
    }
    first, second = federation.post("/nodes", request), federation.post("/nodes", request)
    assert first["node_id"] == second["node_id"]
    beat = f"/nodes/{first['node_id']}/heartbeat"
    assert federation.call("POST", beat, first["token"], json={}).status_code == 401
    assert federation.call("POST", beat, second["token"], json={}).status_code == 200
    assert federation.call("POST", "/nodes", json=request).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(599, 201), (601, 401)])
def test_enrolling_again_is_for_the_moments_after(
    federation: Federation, clock: Clock, seconds: float, status: int
) -> None:
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {"join_token": token, "name": "clinic-a"}
    federation.post("/nodes", request)
    clock.tick(seconds)
    assert federation.call("POST", "/nodes", json=request).status_code == status


def test_a_token_that_has_expired_enrols_nobody_again(federation: Federation, clock: Clock) -> None:
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "clinic-a"}
    clock.tick(7 * 86_400 - 10)
    federation.post("/nodes", request)
    clock.tick(11)
    assert federation.call("POST", "/nodes", json=request).status_code == 401


def test_enrolling_again_from_elsewhere_needs_approval_again(federation: Federation) -> None:
    token = federation.post("/join-tokens", {"approve": True})["token"]
    request = {"join_token": token, "name": "clinic-a", "push_token": PUSH_TOKEN}
    assert federation.post("/nodes", request | {"url": "http://127.0.0.1:9"})["state"] == "active"
    again = federation.post("/nodes", request | {"url": "https://elsewhere.example"})
    assert again["state"] == "pending"


def test_a_join_token_is_old_after_a_week(federation: Federation, clock: Clock) -> None:
    token = federation.post("/join-tokens")["token"]
    clock.tick(7 * 86_400 + 1)
    answer = federation.call("POST", "/nodes", json={"join_token": token, "name": "clinic-a"})
    assert answer.status_code == 401


def test_a_name_belongs_to_one_site_and_the_token_stays_usable(federation: Federation) -> None:
    federation.join("clinic-a")
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "clinic-a"}
    answer = federation.call("POST", "/nodes", json=request)
    assert (answer.status_code, answer.get_json()["error"]) == (409, "name_taken")
    assert federation.post("/nodes", request | {"name": "clinic-b"})["state"] == "pending"


@pytest.mark.parametrize("url", ["http://example.org:80", "ftp://127.0.0.1", "http://"])
def test_an_address_off_this_machine_needs_tls(federation: Federation, url: str) -> None:
    token = federation.post("/join-tokens")["token"]
    request = {"join_token": token, "name": "a", "url": url, "push_token": PUSH_TOKEN}
    assert federation.call("POST", "/nodes", json=request).status_code == 422


def test_secrets_are_kept_hashed_or_in_files_of_their_owner(federation: Federation) -> None:
    node = federation.join("clinic-a")
    state = federation.settings.state
    path = federation.services.state.push_token(node.id)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (PUSH_TOKEN, 0o600)
    assert state.stat().st_mode & 0o777 == 0o700
    raw = b"".join(p.read_bytes() for p in state.glob("master.sqlite*"))
    for secret in (node.token, federation.operator, PUSH_TOKEN):
        assert secret.encode() not in raw


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


def picture(shade: int) -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (9, 9), (shade, 0, 0)).save(data, "PNG")
    data.seek(0)
    return data


def test_public_pictures_are_split_and_counted_once(federation: Federation) -> None:
    federation.study()
    files = [(picture(number), f"benign_{number}.png") for number in range(40)]
    images = federation.call("POST", "/studies/skin/images", data={"file": files})
    assert images.status_code == 201
    parts = federation.get("/studies/skin")["pictures"]
    assert parts["audit"]["benign"] + parts["test"]["benign"] == 40
    assert parts["audit"]["benign"] > 8
    assert parts["test"]["benign"] > 8
    again = federation.call(
        "POST", "/studies/skin/images", data={"file": [(picture(3), "benign_3.png")]}
    )
    assert again.status_code == 200
    assert again.get_json()["images"][0]["status"] == "duplicate"


def test_a_label_is_stored_as_the_study_spells_it(federation: Federation) -> None:
    study = {"id": "moles", "name": "Moles", "classes": ["Mélanome", "母斑"], "size": 12}
    federation.post("/studies", study)
    for number, (name, form) in enumerate(
        [("x.png", {"label": "ME\u0301LANOME"}), ("me\u0301lanome.png", {}), ("母斑_1.png", {})]
    ):
        answer = federation.call(
            "POST",
            "/studies/moles/images",
            data={"file": [(picture(number), name)], "part": "test", **form},
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
    parts = federation.get("/studies/moles")["pictures"]
    assert parts["test"] == {"M\u00e9lanome": 2, "母斑": 1}


def test_refused_pictures_say_why_and_leave_nothing(federation: Federation) -> None:
    federation.study()
    for data, name, form, code in (
        (io.BytesIO(b"hello"), "benign.jpg", {}, "not_a_picture"),
        (picture(1), "benign.png", {"label": "tumour"}, "unknown_label"),
        (picture(1), "holiday.png", {}, "no_label"),
    ):
        answer = federation.call(
            "POST", "/studies/skin/images", data={"file": [(data, name)], **form}
        )
        assert answer.status_code == 422
        assert answer.get_json()["error"] == code
        assert answer.get_json()["images"][0]["status"] == "refused"
    assert federation.get("/studies/skin")["pictures"] == {}
    assert not list(federation.settings.state.glob("pictures/skin/*"))


def test_a_wrong_plan_names_what_is_wrong(federation: Federation) -> None:
    federation.study()
    federation.site("clinic-a")
    for plan, status in (
        ("no-such-plan", 404),
        ({"rounds": 0}, 422),
        ({"model": {"name": "nothing"}}, 422),
        ({"strategy": {"name": "nothing"}}, 422),
        ({"unknown": 1}, 422),
    ):
        answer = federation.call("POST", "/runs", json={"study": "skin", "plan": plan})
        assert answer.status_code == status, plan
        assert set(answer.get_json()) - {"reasons"} == {"error", "detail"}


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (
            {"strategy": {"settings": {"mu": 0.1}}},
            "The strategy 'fedavg' has no setting 'mu'",
        ),
        (
            {"model": {"weights": "theirs.h5"}},
            "The master's folder of pretrained weights has no file 'theirs.h5'",
        ),
    ],
)
def test_nothing_that_a_plan_asks_for_is_silently_ignored(
    federation: Federation, plan: dict[str, object], sentence: str
) -> None:
    federation.study()
    federation.site("clinic-a")
    study = {"name": "Other", "classes": ["a", "b"], "plan": plan}
    for path, document in (("/runs", {"study": "skin", "plan": plan}), ("/studies", study)):
        answer = federation.call("POST", path, json=document)
        assert answer.status_code == 422
        assert sentence in answer.get_json()["detail"]


def test_the_ready_made_plans_are_listed_default_first(federation: Federation) -> None:
    plans = {plan["name"]: plan["plan"] for plan in federation.get("/plans")["plans"]}
    assert next(iter(plans)) == "default"
    assert plans["demo"]["privacy"]["min_examples"] == 1
    assert plans["train-on-upload"]["trigger"] == {"kind": "upload", "min_new_pictures": 10}


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


def test_health_is_open_and_metrics_count(federation: Federation) -> None:
    health = federation.http.get("/health").get_json()
    assert health == {"status": "ok", "version": "0.1.0", "role": "master", "name": "master"}
    federation.study()
    a = federation.site("clinic-a")
    federation.run(**PLAN)
    federation.deliver(a, trained(a, 1.0, 10))
    tokens = {federation.operator: 200, federation.viewer: 200, a.token: 403, "wrong": 401}
    for token, status in tokens.items():
        headers = {"Authorization": f"Bearer {token}"}
        assert federation.http.get("/metrics", headers=headers).status_code == status
    assert federation.http.get("/metrics").status_code == 401
    headers = {"Authorization": f"Bearer {federation.viewer}"}
    lines = federation.http.get("/metrics", headers=headers).get_data(as_text=True).splitlines()
    assert 'commonsight_tasks{state="accepted"} 1.0' in lines
    assert 'commonsight_rounds{state="closed"} 1.0' in lines
    assert "commonsight_round_seconds_count 1.0" in lines
    assert "/api/v1/runs" in federation.http.get("/openapi.json").get_json()["paths"]
