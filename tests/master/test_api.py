"""Every route: who may call it, and what it says of things that are not there."""

from __future__ import annotations

import re

import pytest

from tests.master.federation import Federation, trained

NOTHING = "0" * 64

PEOPLE, OPERATOR, NODE = {"operator", "viewer"}, {"operator"}, {"node"}

ROUTES = [
    ("POST", "/join-tokens", OPERATOR),
    ("GET", "/nodes", PEOPLE),
    ("PATCH", "/nodes/none", OPERATOR),
    ("GET", "/nodes/none/history", PEOPLE),
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
    ("GET", "/runs/none/course", PEOPLE),
    ("GET", "/runs/none/changes", PEOPLE),
    ("GET", "/studies/none/paired", PEOPLE),
    ("GET", "/runs/none/rewards", PEOPLE),
    ("GET", "/runs/none/search", PEOPLE),
    ("GET", "/runs/none/events", PEOPLE),
    ("GET", "/runs/none/model", PEOPLE),
    ("GET", "/runs/none/history.csv", PEOPLE),
    ("GET", "/runs/none/cross-site", PEOPLE),
    ("GET", "/rewards", PEOPLE),
    ("GET", "/events", PEOPLE),
    ("GET", "/models", PEOPLE),
    ("GET", "/system", OPERATOR),
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


def test_health_is_open_and_metrics_count(federation: Federation) -> None:
    health = federation.http.get("/health").get_json()
    assert health == {"status": "ok", "version": "0.1.0", "role": "master", "name": "master"}
    federation.study()
    a = federation.site("clinic-a")
    federation.run(rounds=1, privacy={"min_examples": 5})
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
