"""Who may call what: each route with no token, a wrong one, and the other role's."""

import pytest

PICTURE = "/api/v1/images/" + "0" * 64
SITE = [
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/images?study=skin"),
    ("POST", "/api/v1/images"),
    ("GET", f"{PICTURE}?study=skin"),
    ("GET", f"{PICTURE}/thumbnail?study=skin"),
    ("PATCH", PICTURE),
    ("DELETE", f"{PICTURE}?study=skin"),
    ("POST", "/api/v1/predict"),
    ("GET", "/api/v1/participation"),
    ("PUT", "/api/v1/participation"),
    ("GET", "/api/v1/images/alike?study=skin"),
    ("GET", "/api/v1/studies/skin/card"),
    ("GET", "/api/v1/imports/sources"),
    ("GET", "/api/v1/imports"),
    ("POST", "/api/v1/imports"),
    ("GET", "/api/v1/imports/1"),
    ("DELETE", "/api/v1/imports/1"),
]
MASTER = [
    ("PUT", "/api/v1/studies/skin"),
    ("PUT", "/api/v1/weights/" + "0" * 64),
    ("POST", "/api/v1/tasks"),
    ("DELETE", "/api/v1/tasks/t"),
]


@pytest.mark.parametrize(("method", "path"), SITE + MASTER)
def test_without_a_known_token(site, method, path):
    for header in (None, "Bearer wrong", "Basic c2l0ZTpzaXRl", "Bearer "):
        headers = {} if header is None else {"Authorization": header}
        answer = site.client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (401, "not_authenticated")


@pytest.mark.parametrize(("method", "path"), SITE)
def test_the_master_sees_nothing_of_the_site(pushed, method, path):
    answer = pushed.client.open(path, method=method, headers=pushed.master)
    assert (answer.status_code, answer.json["error"]) == (403, "not_allowed")


@pytest.mark.parametrize(("method", "path"), MASTER)
def test_the_site_is_not_the_master(pushed, method, path):
    answer = pushed.client.open(path, method=method, headers=pushed.site)
    assert (answer.status_code, answer.json["error"]) == (403, "not_allowed")


def test_every_route_of_the_api_is_listed_above(site):
    listed = {(method, path.split("?")[0]) for method, path in SITE + MASTER}
    adapter = site.child.app.url_map.bind("child")
    endpoints = {adapter.match(path, method=method)[0] for method, path in listed}
    api = {rule.endpoint for rule in site.child.app.url_map.iter_rules() if "/api/" in rule.rule}
    assert endpoints == api


def test_health_is_open_and_says_nothing_of_pictures(pushed):
    answer = pushed.client.get("/health").json
    assert answer == {"status": "ok", "version": "0.1.0", "role": "child", "name": "site-1"}


def test_metrics_count_labelled_pictures(pushed):
    from tests.child.conftest import named

    pushed.upload(*named(4))
    assert pushed.client.get("/metrics").status_code == 401
    assert pushed.client.get("/metrics", headers=pushed.master).status_code == 403
    text = pushed.client.get("/metrics", headers=pushed.site).text
    assert "commonsight_child_labelled_pictures 4.0" in text


def test_only_the_latest_push_token_stays_good(site):
    kept = site.child.tokens.mint("master")
    site.child.tokens.keep_only(kept, "master")
    assert site.child.tokens.verify(site.master["Authorization"].removeprefix("Bearer ")) is None
    assert site.child.tokens.verify(kept).role == "master"
    assert site.child.tokens.verify(site.site["Authorization"].removeprefix("Bearer ")) is not None


def test_the_documentation_names_every_call(site):
    spec = site.client.get("/openapi.json").json
    described = {
        (method.upper(), path.replace("{", "<").replace("}", ">"))
        for path, calls in spec["paths"].items()
        for method in calls
        if path.startswith("/api/")
    }
    assert len(described) == len(SITE + MASTER)
    for calls in spec["paths"].values():
        assert all(call.get("summary") for call in calls.values())
